//! Whether a website may show the booking in a frame, and what is missing.
//!
//! - [`look`]: asks the portal and the website what they tell browsers
//! - [`page`]: one page of either

mod look;
mod page;

use app::clinic::model::Clinic;
use url::Url;

use super::Finding;
use crate::client::client;
use crate::clinic::file::site;
use crate::config::Origin;

/// Everything that decides it: the clinics' lists, and what browsers hear where one has the website.
pub async fn examine(asked: &str, origin: &Origin, clinics: &[&Clinic]) -> Vec<Finding> {
    let mut findings = listed(asked, origin, clinics);
    let page = Url::parse(&whole(asked)).ok();
    let Some((page, site)) = page.and_then(|page| Some((page, site(&bare(asked)).ok()?))) else { return findings };
    let client = client();
    let mut is_listed = false;
    for clinic in clinics.iter().filter(|clinic| clinic.sites.contains(&site)) {
        is_listed = true;
        findings.extend(look::portal(&client, origin, &clinic.slug, &site).await);
    }
    if is_listed {
        findings.extend(look::website(&client, &page, origin).await);
    }
    findings
}

/// What every clinic's list, and the portal's own address, mean for a website.
fn listed(asked: &str, origin: &Origin, clinics: &[&Clinic]) -> Vec<Finding> {
    // What is copied from a browser is an address of a page.
    let site = match site(&bare(asked)) {
        Ok(site) => site,
        Err(reason) => return vec![Finding::Bad(reason)],
    };
    let mut findings = Vec::new();
    if site.starts_with("https:") && !origin.is_secure() {
        findings.push(if origin.is_local() {
            Finding::Note(format!("{origin} is for this computer: browsers elsewhere cannot show it on {site}"))
        } else {
            Finding::Bad(format!("browsers show nothing of {origin} on {site}, because it is not https: see origin"))
        });
    }
    if clinics.is_empty() {
        findings.push(Finding::Bad("there is no clinic whose booking could be shown".to_owned()));
    }
    findings.extend(clinics.iter().map(|clinic| of_clinic(&site, origin, clinic)));
    findings
}

/// With the scheme that people leave away.
fn whole(asked: &str) -> String {
    let (scheme, rest) = asked.trim().split_once("://").unwrap_or(("https", asked.trim()));
    format!("{}://{rest}", scheme.to_ascii_lowercase())
}

/// Scheme, host and port of what may be a whole address.
fn bare(asked: &str) -> String {
    let whole = whole(asked);
    let (scheme, rest) = whole.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{scheme}://{host}")
}

fn of_clinic(site: &str, origin: &Origin, clinic: &Clinic) -> Finding {
    let slug = &clinic.slug;
    if clinic.sites.iter().any(|listed| listed == site) {
        return Finding::Good(format!(
            "{site} may show the booking of {slug}: put <script src=\"{origin}/embed.js\" defer></script> and \
             <perennial-booking clinic=\"{slug}\"> into its page"
        ));
    }
    let host = |site: &str| site.split("://").nth(1).map(|host| host.trim_start_matches("www.").to_owned());
    let near = clinic.sites.iter().find(|listed| host(listed) == host(site));
    let hint = near.map(|near| format!(" ({near} is another site to a browser)")).unwrap_or_default();
    Finding::Bad(format!(
        "{site} is not on the list of {slug}{hint}: write sites = [{}] into its file and load it with `perennial clinic load`",
        clinic.sites.iter().map(String::as_str).chain([site]).map(|site| format!("\"{site}\"")).collect::<Vec<_>>().join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clinic::load::demo;

    fn asked(site: &str, origin: &str) -> Vec<String> {
        let demo = demo().unwrap();
        let told = |finding| match finding {
            Finding::Good(text) => format!("good {text}"),
            Finding::Note(text) => format!("note {text}"),
            Finding::Bad(text) => format!("wrong {text}"),
        };
        listed(site, &origin.parse().unwrap(), &[&demo]).into_iter().map(told).collect()
    }

    #[test]
    fn a_listed_site_gets_its_tag_and_another_one_what_is_missing() {
        const PORTAL: &str = "https://portal.example";
        let listed = asked("https://www.rowanstreet.example/contact?x#y", PORTAL);
        assert_eq!(listed.len(), 1, "{listed:?}");
        assert!(listed[0].starts_with("good ") && listed[0].contains("src=\"https://portal.example/embed.js\""), "{listed:?}");
        let near = asked("rowanstreet.example", PORTAL);
        assert!(near[0].starts_with("wrong https://rowanstreet.example is not on the list of rowan-street"), "{near:?}");
        assert!(near[0].contains("(https://www.rowanstreet.example is another site to a browser)"), "{near:?}");
        assert!(near[0].contains("sites = [\"https://www.rowanstreet.example\", \"https://rowanstreet.example\"]"), "{near:?}");
        assert!(asked("http://www.rowanstreet.example", PORTAL)[0].contains("is not encrypted"));
        assert!(asked("https://*.rowanstreet.example", PORTAL)[0].contains("is not the address of a site"));
    }

    #[test]
    fn a_portal_without_encryption_cannot_be_shown_on_a_site_with_it() {
        const SITE: &str = "https://www.rowanstreet.example";
        let plain = asked(SITE, "http://portal.example");
        assert!(plain[0].starts_with("wrong browsers show nothing of http://portal.example"), "{plain:?}");
        let local = asked(SITE, "http://localhost:3000");
        assert!(local[0].starts_with("note ") && local[1].starts_with("good "), "{local:?}");
    }
}

//! What people and programs see when a request gets no page of the app: kind words, a way home,
//! the clinic's number.
//!
//! Any layer may answer a [`Refusal`]; [`kindly`] alone turns it into a page or, for a program,
//! into the [`PortalError`] that its code expects. It is *not* for what a form is told about its
//! fields: the app's pages do that.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};

use app::clinic::model::Clinic;
use app::embed::Frame;
use app::error::PortalError;
use app::fields::FieldErrors;
use app::request::Caller;
use app::routes;
use app::words::Language;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use futures::FutureExt as _;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;
use minijinja::{Environment, context};

use super::find;
use super::session::clinic_of;
use super::telling::RequestId;
use crate::clinic::Clinics;
use crate::embed;

/// Why a request was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A change that another site asked for.
    Foreign,
    /// Meant for another host.
    Misdirected,
    NotFound,
    /// The method is not one of this address.
    NotPossible,
    /// The address.
    TooLong,
    /// The body.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
    TooMany {
        after_s: u32,
    },
    /// We did not answer in time; whether something was done is not known.
    Slow,
    /// A bug of ours; whether something was done is not known.
    Broken,
}

impl Refusal {
    const fn status(self) -> StatusCode {
        match self {
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotPossible => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLong => StatusCode::URI_TOO_LONG,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Slow => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the code that calls a server function gets.
    fn error(self) -> PortalError {
        match self {
            Self::Foreign => PortalError::Forbidden,
            Self::Misdirected | Self::NotFound | Self::NotPossible => PortalError::NotFound,
            Self::TooLong | Self::TooLarge => PortalError::Invalid(FieldErrors::default()),
            Self::TooMany { .. } => PortalError::TooMany,
            Self::TooSlow | Self::Slow | Self::Broken => PortalError::Unavailable,
        }
    }

    /// The router answers a wrong method with a bare status; it means one of ours.
    fn of(response: &Response) -> Option<Self> {
        if let Some(refusal) = response.extensions().get::<Self>() {
            return Some(*refusal);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("text/plain");
        let bare = response.status() == StatusCode::METHOD_NOT_ALLOWED && kind.starts_with("text/plain");
        bare.then_some(Self::NotPossible)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What the pages here need to know of the server.
#[derive(Clone)]
pub struct Kindness {
    pub clinics: Arc<Clinics>,
    /// The address of the style sheet; empty without a built site.
    pub style: Arc<str>,
}

/// Gives refusals, and what a bug leaves behind, a face.
pub async fn kindly(State(kindness): State<Kindness>, request: Request, next: Next) -> Response {
    let page = wants_page(request.headers());
    let clinic = clinic_of(request.uri(), request.headers()).and_then(|slug| find(&kindness.clinics, slug));
    let language = request.extensions().get::<Caller>().map(|caller| caller.language).unwrap_or_default();
    let id = request.extensions().get::<RequestId>().copied();
    let frame = request.extensions().get::<Arc<Frame>>().cloned();
    // A panic has told where it happened by now; the connection and its other requests go on.
    let response = AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| Refusal::Broken.into_response());
    let response = as_asked(response);
    let Some(refusal) = Refusal::of(&response) else { return response };
    let mut answer = if page {
        let text = render(refusal, language, clinic.as_deref(), frame.as_deref(), id, &kindness.style);
        (refusal.status(), Html(text)).into_response()
    } else {
        (refusal.status(), axum::Json(refusal.error())).into_response()
    };
    if let Refusal::TooMany { after_s } = refusal {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after_s));
    }
    if let Some(methods) = response.headers().get(ALLOW) {
        answer.headers_mut().insert(ALLOW, methods.clone());
    }
    answer
}

/// Arguments that do not parse never reach a service, which would say so itself; the library calls
/// that our mistake, and it is the caller's.
fn as_asked(mut response: Response) -> Response {
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR && response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

/// A browser waits for a page, rather than a program for a value.
pub fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    // The template is part of the binary; a test renders it.
    let _ = pages.add_template("refusal.html", include_str!("refusal.html"));
    pages
});

fn render(
    refusal: Refusal,
    language: Language,
    clinic: Option<&Clinic>,
    frame: Option<&Frame>,
    id: Option<RequestId>,
    style: &str,
) -> String {
    // The way back stays in the frame: other pages are not shown in one.
    let front = clinic.map_or_else(
        || "/".to_owned(),
        |clinic| frame.map_or_else(|| routes::home(&clinic.slug), |frame| embed::front(clinic, frame)),
    );
    let (title, lead) = words(refusal, language);
    let (home, call, code) = around(language);
    let clinic = clinic.map(|clinic| {
        context! {
            slug => clinic.slug.as_str(),
            name => clinic.name.as_str(),
            phone => clinic.phone.as_str(),
            phone_label => clinic.phone_label.as_str(),
        }
    });
    let ours = matches!(refusal, Refusal::Slow | Refusal::Broken);
    let number = id.filter(|_| ours).map(RequestId::short);
    let page = context! {
        front, framed => frame.is_some(), language => language.tag(), direction => language.direction(), style, clinic, title, home, call, code, number,
        lead => lead.replace("{seconds}", &seconds(refusal)),
    };
    PAGES.get_template("refusal.html").and_then(|template| template.render(page)).unwrap_or_else(|_| title.to_owned())
}

fn seconds(refusal: Refusal) -> String {
    if let Refusal::TooMany { after_s } = refusal { after_s.to_string() } else { String::new() }
}

/// The way home, who to call, and what the number at the end is for.
const fn around(language: Language) -> (&'static str, &'static str, &'static str) {
    match language {
        Language::En => ("Go to the home page", "Would you rather talk to someone? Call", "If you call, this code helps us:"),
        Language::Es => {
            ("Ir a la página de inicio", "¿Prefiere hablar con alguien? Llame al", "Si llama, este código nos ayuda:")
        }
        Language::De => {
            ("Zur Startseite", "Möchten Sie lieber mit jemandem sprechen? Telefon:", "Wenn Sie anrufen, hilft uns dieser Code:")
        }
        Language::Ar => ("الذهاب إلى الصفحة الرئيسية", "هل تفضّل التحدث إلى أحد؟ اتصل على", "إذا اتصلت بنا فهذا الرمز يساعدنا:"),
    }
}

/// A heading and one or two sentences: what happened, what to do now.
const fn words(refusal: Refusal, language: Language) -> (&'static str, &'static str) {
    match language {
        Language::En => english(refusal),
        Language::Es => spanish(refusal),
        Language::De => german(refusal),
        Language::Ar => arabic(refusal),
    }
}

const fn english(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Foreign => (
            "We could not accept this",
            "It was sent from another website. For your safety we only accept what is sent from our own pages. Please start again from the home page.",
        ),
        Refusal::Misdirected => {
            ("This is not the right address", "Please check the address, or open the link from your letter again.")
        }
        Refusal::NotFound => {
            ("We can't find this page", "The address may be misspelt, or the page has gone. Nothing that you booked is affected.")
        }
        Refusal::NotPossible => ("That is not possible here", "Please go back and use the buttons on the page."),
        Refusal::TooLong => ("This address is too long", "Please start again from the home page."),
        Refusal::TooLarge => {
            ("That is more text than we can take", "Please go back and shorten it. What you typed is still there.")
        }
        Refusal::TooSlow => (
            "The connection was too slow",
            "What you sent did not reach us in time. Please go back and try again. What you typed is still there.",
        ),
        Refusal::TooMany { .. } => (
            "Please wait a moment",
            "That was a lot at once. Wait {seconds} seconds, then go back and try again. What you typed is still there.",
        ),
        Refusal::Slow | Refusal::Broken => (
            "Sorry, something went wrong",
            "It is our fault, not yours. If you were booking, we do not know yet if it went through: please go back and check before you try again.",
        ),
    }
}

const fn spanish(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Foreign => (
            "No hemos podido aceptar esto",
            "Se envió desde otro sitio web. Por su seguridad, solo aceptamos lo que se envía desde nuestras propias páginas. Empiece de nuevo desde la página de inicio.",
        ),
        Refusal::Misdirected => {
            ("Esta no es la dirección correcta", "Compruebe la dirección o vuelva a abrir el enlace de su mensaje.")
        }
        Refusal::NotFound => (
            "No encontramos esta página",
            "Puede que la dirección esté mal escrita o que la página ya no exista. Nada de lo que haya reservado se ve afectado.",
        ),
        Refusal::NotPossible => ("Eso no es posible aquí", "Vuelva atrás y use los botones de la página."),
        Refusal::TooLong => ("Esta dirección es demasiado larga", "Empiece de nuevo desde la página de inicio."),
        Refusal::TooLarge => ("Es más texto del que podemos recibir", "Vuelva atrás y acórtelo. Lo que escribió sigue ahí."),
        Refusal::TooSlow => (
            "La conexión ha sido demasiado lenta",
            "Lo que envió no nos llegó a tiempo. Vuelva atrás e inténtelo de nuevo. Lo que escribió sigue ahí.",
        ),
        Refusal::TooMany { .. } => (
            "Espere un momento",
            "Han sido muchas solicitudes a la vez. Espere {seconds} segundos, vuelva atrás e inténtelo de nuevo. Lo que escribió sigue ahí.",
        ),
        Refusal::Slow | Refusal::Broken => (
            "Lo sentimos, algo ha fallado",
            "Es culpa nuestra, no suya. Si estaba reservando, todavía no sabemos si se completó: vuelva atrás y compruébelo antes de intentarlo de nuevo.",
        ),
    }
}

const fn german(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Foreign => (
            "Das konnten wir nicht annehmen",
            "Es wurde von einer anderen Website gesendet. Zu Ihrer Sicherheit nehmen wir nur an, was von unseren eigenen Seiten kommt. Bitte beginnen Sie auf der Startseite neu.",
        ),
        Refusal::Misdirected => (
            "Das ist nicht die richtige Adresse",
            "Bitte prüfen Sie die Adresse oder öffnen Sie den Link aus Ihrer Nachricht noch einmal.",
        ),
        Refusal::NotFound => (
            "Diese Seite finden wir nicht",
            "Vielleicht enthält die Adresse einen Tippfehler, oder die Seite gibt es nicht mehr. Ihre Buchungen sind davon nicht betroffen.",
        ),
        Refusal::NotPossible => {
            ("Das ist hier nicht möglich", "Bitte gehen Sie zurück und benutzen Sie die Schaltflächen der Seite.")
        }
        Refusal::TooLong => ("Diese Adresse ist zu lang", "Bitte beginnen Sie auf der Startseite neu."),
        Refusal::TooLarge => (
            "Das ist mehr Text, als wir annehmen können",
            "Bitte gehen Sie zurück und kürzen Sie ihn. Was Sie geschrieben haben, ist noch da.",
        ),
        Refusal::TooSlow => (
            "Die Verbindung war zu langsam",
            "Was Sie gesendet haben, ist nicht rechtzeitig angekommen. Bitte gehen Sie zurück und versuchen Sie es noch einmal. Was Sie geschrieben haben, ist noch da.",
        ),
        Refusal::TooMany { .. } => (
            "Bitte warten Sie einen Moment",
            "Das war sehr viel auf einmal. Warten Sie {seconds} Sekunden, gehen Sie dann zurück und versuchen Sie es noch einmal. Was Sie geschrieben haben, ist noch da.",
        ),
        Refusal::Slow | Refusal::Broken => (
            "Entschuldigung, etwas ist schiefgegangen",
            "Das ist unser Fehler, nicht Ihrer. Falls Sie gerade gebucht haben, wissen wir noch nicht, ob es geklappt hat: Bitte gehen Sie zurück und prüfen Sie es, bevor Sie es noch einmal versuchen.",
        ),
    }
}

const fn arabic(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Foreign => (
            "لم نتمكن من قبول هذا الطلب",
            "أُرسل الطلب من موقع آخر. حفاظًا على أمانك لا نقبل إلا ما يُرسل من صفحاتنا. يُرجى البدء من جديد من الصفحة الرئيسية.",
        ),
        Refusal::Misdirected => ("هذا ليس العنوان الصحيح", "يُرجى التحقق من العنوان أو فتح الرابط الوارد في رسالتك مرة أخرى."),
        Refusal::NotFound => {
            ("لم نعثر على هذه الصفحة", "قد يكون في العنوان خطأ إملائي أو أن الصفحة لم تعد موجودة. لن يتأثر أي موعد حجزته.")
        }
        Refusal::NotPossible => ("هذا غير ممكن هنا", "يُرجى الرجوع واستخدام الأزرار الموجودة في الصفحة."),
        Refusal::TooLong => ("هذا العنوان طويل جدًا", "يُرجى البدء من جديد من الصفحة الرئيسية."),
        Refusal::TooLarge => ("هذا النص أطول مما يمكننا استلامه", "يُرجى الرجوع واختصاره. ما كتبته لا يزال موجودًا."),
        Refusal::TooSlow => (
            "كان الاتصال بطيئًا جدًا",
            "لم يصلنا ما أرسلته في الوقت المناسب. يُرجى الرجوع والمحاولة مرة أخرى. ما كتبته لا يزال موجودًا.",
        ),
        Refusal::TooMany { .. } => (
            "يُرجى الانتظار لحظة",
            "وصلتنا طلبات كثيرة دفعة واحدة. انتظر {seconds} ثانية ثم ارجع وحاول مرة أخرى. ما كتبته لا يزال موجودًا.",
        ),
        Refusal::Slow | Refusal::Broken => (
            "عذرًا، حدث خطأ ما",
            "الخطأ من جانبنا وليس من جانبك. إذا كنت تحجز موعدًا فلا نعرف بعد هل تم الحجز: يُرجى الرجوع والتحقق قبل المحاولة مرة أخرى.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Refusal; 10] = [
        Refusal::Foreign,
        Refusal::Misdirected,
        Refusal::NotFound,
        Refusal::NotPossible,
        Refusal::TooLong,
        Refusal::TooLarge,
        Refusal::TooSlow,
        Refusal::TooMany { after_s: 42 },
        Refusal::Slow,
        Refusal::Broken,
    ];

    #[test]
    fn every_refusal_is_a_whole_page_in_every_language() {
        for language in Language::ALL {
            for refusal in ALL {
                let page = render(refusal, language, None, None, None, "pkg/a/style.css");
                let tag = language.tag();
                assert!(page.contains(&format!("<html lang=\"{tag}\" dir=\"{}\">", language.direction())), "{page}");
                assert!(page.contains("href=\"/\"") && page.ends_with("</html>"), "{page}");
                assert!(!page.contains('{') && !page.contains("<script"), "{page}");
            }
        }
    }

    #[test]
    fn who_is_too_fast_hears_how_long_to_wait() {
        assert!(render(Refusal::TooMany { after_s: 42 }, Language::De, None, None, None, "").contains("42 Sekunden"));
    }

    #[test]
    fn a_bare_status_of_the_router_becomes_one_of_ours() {
        assert_eq!(Refusal::of(&StatusCode::METHOD_NOT_ALLOWED.into_response()), Some(Refusal::NotPossible));
        let answer = (StatusCode::METHOD_NOT_ALLOWED, axum::Json(1)).into_response();
        assert_eq!(Refusal::of(&answer), None);
    }
}

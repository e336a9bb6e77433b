//! A changed clinic file: taken into use only if every booked visit still fits.

use app::clinic::model::{Clinic, Closure};
use app::error::{PortalError, Reason};
use server::clinic::load::{Loaded, Refused, load};

use super::clinic::{small, texts};
use super::harness::TestPortal;
use crate::on_both;

/// Thursday, ten in London.
const TEN: &str = "2026-03-12T10:00:00Z";

async fn change(portal: &TestPortal, force: bool, change: impl FnOnce(&mut Clinic)) -> Result<Loaded, Refused> {
    let mut clinic = small();
    change(&mut clinic);
    load(&portal.database, &portal.clock, clinic, force).await
}

async fn revision(portal: &TestPortal) -> i64 {
    portal.count("SELECT revision AS n FROM clinic").await
}

async fn noted(portal: &TestPortal) -> i64 {
    portal.count("SELECT COUNT(*) AS n FROM audit WHERE action = 'clinic.load'").await
}

/// What the one visit that does not fit would meet.
fn why(loaded: Result<Loaded, Refused>) -> String {
    match loaded {
        Err(Refused::Misfits(misfits)) if misfits.len() == 1 => misfits[0].why.to_string(),
        other => panic!("{other:?}"),
    }
}

on_both! {
    async fn a_file_that_fits_is_the_next_revision_and_stands_in_the_audit(portal: TestPortal) {
        portal.visitor(1).book("physio", Some("tom"), TEN).await.unwrap();
        let before = revision(&portal).await;
        let loaded = change(&portal, false, |clinic| clinic.treatments[0].price = 7000).await.unwrap();
        assert_eq!(loaded, Loaded { revision: before + 1, misfits: vec![] });
        assert_eq!(revision(&portal).await, before + 1);
        assert_eq!(noted(&portal).await, 1);
    }

    async fn a_file_that_says_nothing_new_changes_nothing(portal: TestPortal) {
        let before = revision(&portal).await;
        assert_eq!(change(&portal, false, |_| {}).await.unwrap().revision, before);
        assert_eq!((revision(&portal).await, noted(&portal).await), (before, 0));
    }

    async fn a_file_under_which_a_booked_visit_no_longer_fits_is_refused_and_says_why(portal: TestPortal) {
        portal.visitor(1).book("physio", Some("tom"), TEN).await.unwrap();
        let before = revision(&portal).await;

        let gone = change(&portal, false, |clinic| { clinic.treatments.remove(0); }).await;
        assert_eq!(why(gone), "there is no treatment \"physio\" any more");
        let gone = change(&portal, false, |clinic| { clinic.locations.remove(0); }).await;
        assert_eq!(why(gone), "there is no location \"london\" any more");
        let gone = change(&portal, false, |clinic| { clinic.practitioners.remove(0); }).await;
        assert_eq!(why(gone), "there is no practitioner \"tom\" any more");
        let given = change(&portal, false, |clinic| { clinic.treatments[0].practitioners.remove(0); }).await;
        assert_eq!(why(given), "\"tom\" no longer gives \"physio\"");
        let room = change(&portal, false, |clinic| clinic.rooms.retain(|room| room.location.as_str() != "london")).await;
        assert!(why(room).ends_with("is no longer there for it"));
        let shorter = change(&portal, false, |clinic| clinic.shifts[0].hours.from = "10:05:00".parse().unwrap()).await;
        assert_eq!(why(shorter), "\"tom\" does not give \"physio\" at \"london\" then");
        let moved = change(&portal, false, |clinic| clinic.locations[0].zone = "Asia/Tokyo".into()).await;
        assert_eq!(why(moved), "\"tom\" does not give \"physio\" at \"london\" then");
        let day = "2026-03-12".parse().unwrap();
        let closure = Closure { location: None, first: day, last: day, hours: None, reason: texts("flood") };
        let closed = change(&portal, false, |clinic| clinic.closures.push(closure)).await;
        assert_eq!(why(closed), "the clinic is closed then");

        assert_eq!((revision(&portal).await, noted(&portal).await), (before, 0));
    }

    async fn a_visit_that_does_not_fit_is_named_by_its_number_and_time(portal: TestPortal) {
        let visitor = portal.visitor(1);
        let visit = visitor.book("physio", Some("tom"), TEN).await.unwrap();
        let number = visitor.visit(&visit).await.number;
        let Err(Refused::Misfits(misfits)) = change(&portal, false, |clinic| { clinic.shifts.remove(0); }).await else {
            panic!("it was not refused")
        };
        let line = misfits[0].to_string().replace('\u{a0}', " ");
        assert_eq!(line, format!("{number}, Thursday 12 March, 10:00 am, London time (GMT): \"tom\" does not give \"physio\" at \"london\" then"));
    }

    async fn a_visit_that_needs_a_room_now_and_has_none_does_not_fit(portal: TestPortal) {
        portal.reload(|clinic| clinic.treatments[0].room_kind = None).await;
        portal.visitor(1).book("physio", Some("tom"), TEN).await.unwrap();
        assert_eq!(why(change(&portal, false, |_| {}).await), "it has no room, and \"physio\" needs one now");
    }

    async fn a_group_that_takes_longer_than_when_it_was_booked_is_guarded_as_long(portal: TestPortal) {
        portal.visitor(1).book("class", Some("tom"), TEN).await.unwrap();
        let ticks = "SELECT COUNT(*) AS n FROM occupancy WHERE resource = 'practitioner/tom' AND expires_at IS NULL";
        let before = portal.count(ticks).await;
        portal.reload(|clinic| clinic.treatments[2].buffer_before_min = 10).await;
        let hold = portal.visitor(2).hold("class", Some("tom"), TEN).await.unwrap();
        portal.visitor(2).release(&hold).await.unwrap();
        assert_eq!(portal.visitor(3).hold("physio", Some("tom"), TEN).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        for number in 2..=4 {
            portal.visitor(number).book("class", Some("tom"), TEN).await.unwrap();
        }
        assert_eq!(portal.visitor(5).hold("class", Some("tom"), TEN).await, Err(PortalError::Conflict(Reason::SlotTaken)));
        assert_eq!(portal.count(ticks).await, before + 2, "the ten minutes before belong to it now");
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn a_group_that_shrinks_below_those_who_booked_does_not_fit(portal: TestPortal) {
        for number in 1..=3 {
            portal.visitor(number).book("class", Some("tom"), TEN).await.unwrap();
        }
        let shrink = |seats| move |clinic: &mut Clinic| clinic.treatments[2].capacity = seats;
        assert_eq!(why(change(&portal, false, shrink(2)).await), "the group has 2 seats now, and more are taken");
        assert!(change(&portal, false, shrink(3)).await.is_ok());
    }

    async fn by_force_the_file_is_loaded_and_the_visits_stay_booked(portal: TestPortal) {
        portal.visitor(1).book("physio", Some("tom"), TEN).await.unwrap();
        let before = revision(&portal).await;
        let loaded = change(&portal, true, |clinic| { clinic.shifts.remove(0); }).await.unwrap();
        assert_eq!((loaded.revision, loaded.misfits.len()), (before + 1, 1));
        assert_eq!(portal.appointments().await, 1);
    }

    async fn what_a_booked_visit_speaks_of_cannot_be_dropped_by_force(portal: TestPortal) {
        portal.visitor(1).book("physio", Some("tom"), TEN).await.unwrap();
        let gone = change(&portal, true, |clinic| {
            clinic.practitioners.remove(0);
            clinic.shifts.remove(0);
            for treatment in &mut clinic.treatments {
                treatment.practitioners.retain(|practitioner| practitioner.as_str() != "tom");
            }
        });
        let sentence = "1 booked visit needs what the file no longer has; keep it there, without shifts, until the last is over";
        assert_eq!(gone.await.unwrap_err().to_string(), sentence);
    }

    async fn visits_of_the_past_do_not_count(portal: TestPortal) {
        portal.visitor(1).book("physio", Some("tom"), TEN).await.unwrap();
        portal.clock.advance(chrono::TimeDelta::days(2));
        assert!(change(&portal, false, |clinic| { clinic.shifts.remove(0); }).await.is_ok());
    }

    async fn a_visit_off_the_new_step_or_inside_the_new_notice_still_fits(portal: TestPortal) {
        portal.visitor(1).book("physio", Some("tom"), "2026-03-12T10:15:00Z").await.unwrap();
        let later = change(&portal, false, |clinic| {
            clinic.treatments[0].every_min = 60;
            clinic.treatments[0].notice_min = 10 * 1440;
            clinic.treatments[0].horizon_days = 30;
        });
        assert!(later.await.is_ok());
    }
}

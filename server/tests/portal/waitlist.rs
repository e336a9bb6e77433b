//! Who waits is offered what comes free: in turn, one at a time, and nobody else has it meanwhile.

use std::sync::{Arc, Mutex};

use app::booking::model::{Draft, VisitStatus};
use app::clinic::model::{Audience, Closure};
use app::error::PortalError::{self, Conflict};
use app::error::Reason;
use app::ids::LinkToken;
use app::waitlist::api::WaitlistService as _;
use app::waitlist::model::{Entry, EntryState, Offer, OfferState, WaitFor, WishDraft};
use async_trait::async_trait;
use chrono::TimeDelta;
use server::booking::LATE_LETTER_JOB;
use server::booking::answer::{Answer, staff};
use server::booking::unsettled::Change;
use server::jobs::{Job, JobError, JobRun, Registry, Worker};
use server::letters::tell::{CHANGE_LETTER_JOB, LETTER_JOB};
use server::link::Purpose;
use server::waitlist::jobs::{FREED_JOB, JOINED_JOB, LAPSE_JOB, OFFER_LETTER_JOB, WAITING_LETTER_JOB, WaitlistJobs};
use server::waitlist::{Looked, Looking};

use crate::harness::{TestPortal, Visitor, at, rowan};
use crate::on_both;

const TEN: &str = "2026-03-12T10:00:00Z";
const FRIDAY: &str = "2026-03-13T10:00:00Z";

/// Writes down which letters are to be sent.
struct Desk(Mutex<Vec<String>>);

#[async_trait]
impl JobRun for Desk {
    async fn run(&self, job: &Job) -> Result<(), JobError> {
        self.0.lock().unwrap().push(job.kind.clone());
        Ok(())
    }
}

/// Does what is due; answers which letters there were to send.
pub async fn work(portal: &TestPortal) -> Vec<String> {
    let (jobs, desk) = (Arc::new(WaitlistJobs(portal.waitlist.clone())), Arc::new(Desk(Mutex::default())));
    let registry =
        [FREED_JOB, JOINED_JOB, LAPSE_JOB].into_iter().fold(Registry::default(), |all, kind| all.job(kind, jobs.clone()));
    let letters = [LETTER_JOB, CHANGE_LETTER_JOB, LATE_LETTER_JOB, OFFER_LETTER_JOB, WAITING_LETTER_JOB];
    let registry = letters.into_iter().fold(registry, |all, kind| all.job(kind, desk.clone()));
    Worker::new(portal.database.clone(), portal.clock.clone(), registry).run_due().await.unwrap();
    desk.0.lock().unwrap().clone()
}

/// What somebody who waits does.
pub struct Waiter<'a> {
    pub portal: &'a TestPortal,
    pub visitor: Visitor,
}

pub fn waiter(portal: &TestPortal, number: u8) -> Waiter<'_> {
    Waiter { portal, visitor: portal.visitor(number) }
}

pub fn physio() -> WaitFor {
    WaitFor { treatment: "physio".into(), location: "london".into(), ..WaitFor::default() }
}

impl Waiter<'_> {
    pub async fn begin(&self, wait: WaitFor) -> Result<LinkToken, PortalError> {
        self.portal.waitlist.begin(&self.visitor.caller, &rowan(), wait).await
    }

    pub async fn fill(&self, entry: &LinkToken, draft: Draft, wish: WishDraft) -> Result<(), PortalError> {
        self.portal.waitlist.join(&self.visitor.caller, &rowan(), entry, draft, wish).await
    }

    pub async fn join(&self, wait: WaitFor, wish: WishDraft) -> LinkToken {
        let entry = self.begin(wait).await.unwrap();
        self.fill(&entry, self.visitor.draft(), wish).await.unwrap();
        entry
    }

    pub async fn entry(&self, entry: &LinkToken) -> Entry {
        self.portal.waitlist.entry(&self.visitor.caller, &rowan(), entry).await.unwrap()
    }

    /// The time that is theirs to take now.
    pub async fn offered(&self, entry: &LinkToken) -> Option<LinkToken> {
        match self.entry(entry).await.state {
            EntryState::Waiting { offer, .. } => offer,
            _ => None,
        }
    }

    pub async fn offer(&self, offer: &LinkToken) -> Offer {
        self.portal.waitlist.offer(&self.visitor.caller, &rowan(), offer).await.unwrap()
    }

    /// Presses the button of the offer's page as it is now.
    pub async fn take(&self, offer: &LinkToken) -> Result<LinkToken, PortalError> {
        let version = self.offer(offer).await.version;
        self.take_version(offer, &version).await
    }

    pub async fn take_version(&self, offer: &LinkToken, version: &str) -> Result<LinkToken, PortalError> {
        self.portal.waitlist.take(&self.visitor.caller, &rowan(), offer, version).await
    }

    pub async fn decline(&self, offer: &LinkToken) {
        self.portal.waitlist.decline(&self.visitor.caller, &rowan(), offer).await.unwrap();
    }

    pub async fn leave(&self, entry: &LinkToken) {
        self.portal.waitlist.leave(&self.visitor.caller, &rowan(), entry).await.unwrap();
    }
}

/// Books every time of Tom's and Priya's on Thursday and Friday; answers the visit at ten on Thursday.
async fn fill_calendar(portal: &TestPortal) -> LinkToken {
    let mut ten = None;
    for day in ["2026-03-12", "2026-03-13"] {
        for (number, hour) in (9..17).enumerate() {
            for (person, who) in ["tom", "priya"].into_iter().enumerate() {
                let visitor = portal.visitor(u8::try_from(100 + 2 * number + person).unwrap());
                let start = format!("{day}T{hour:02}:00:00Z");
                let visit = visitor.book("physio", Some(who), &start).await.unwrap();
                if start == TEN && who == "tom" {
                    ten = Some(visit);
                }
            }
        }
    }
    ten.unwrap()
}

fn thursdays() -> WishDraft {
    WishDraft { thu: "on".into(), ..WishDraft::default() }
}

/// Nothing is open but these two days.
async fn shut_other_days(portal: &TestPortal) {
    portal
        .reload(|clinic| {
            let shut = |first: &str, last: &str| Closure {
                location: None,
                first: first.parse().unwrap(),
                last: last.parse().unwrap(),
                hours: None,
                reason: super::clinic::texts("holiday"),
            };
            clinic.closures = vec![shut("2026-03-11", "2026-03-11"), shut("2026-03-14", "2026-06-30")];
        })
        .await;
}

on_both! {
    async fn a_time_that_comes_free_is_offered_and_taking_it_books_it(portal: TestPortal) {
        let ten = fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        let maya = waiter(&portal, 1);
        let entry = maya.join(physio(), WishDraft::default()).await;
        assert!(work(&portal).await.contains(&"letter.waiting".to_owned()), "she gets the way back");
        assert_eq!(maya.offered(&entry).await, None, "nothing is free");
        portal.visitor(102).cancel(&ten).await.unwrap();
        assert!(work(&portal).await.contains(&"letter.offer".to_owned()));
        let offer = maya.offered(&entry).await.unwrap();
        let shown = maya.offer(&offer).await;
        assert_eq!((shown.to.start.instant, shown.to.practitioner.slug.as_str()), (at(TEN), "tom"));
        let OfferState::Open { until } = shown.state else { panic!("{:?}", shown.state) };
        assert_eq!(until.instant, portal.clock.now() + TimeDelta::minutes(60));
        // Nobody else can have it meanwhile, and nobody sees it.
        assert_eq!(portal.visitor(9).hold("physio", Some("tom"), TEN).await, Err(Conflict(Reason::SlotTaken)));
        assert!(portal.visitor(9).starts("physio", "tom", "2026-03-12").await.is_empty());
        let visit = maya.take(&offer).await.unwrap();
        assert_eq!(maya.take(&offer).await.unwrap(), visit, "a second tap gets the same answer");
        let booked = maya.visitor.visit(&visit).await;
        assert_eq!((booked.status, booked.summary.start.instant), (VisitStatus::Booked, at(TEN)));
        assert_eq!(booked.patient_name, maya.visitor.draft().name);
        assert!(matches!(maya.entry(&entry).await.state, EntryState::Done { visit: Some(found) } if found == visit));
        assert!(matches!(maya.offer(&offer).await.state, OfferState::Taken { visit: found } if found == visit));
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn who_waits_says_anew_what_suits_and_stays_who_they_are(portal: TestPortal) {
        let ten = fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        let maya = waiter(&portal, 1);
        let entry = maya.join(physio(), WishDraft::default()).await;
        // The page of one who waits has a form for the wish, and nothing else in it.
        maya.fill(&entry, Draft::default(), thursdays()).await.unwrap();
        let shown = maya.entry(&entry).await;
        assert_eq!((shown.draft.name, shown.wish), (maya.visitor.draft().name, thursdays()));
        portal.visitor(102).cancel(&ten).await.unwrap();
        work(&portal).await;
        let offer = maya.offered(&entry).await.unwrap();
        maya.take(&offer).await.unwrap();
    }

    async fn a_visit_moves_to_the_offered_time_and_the_next_one_gets_its_old_time(portal: TestPortal) {
        let ten = fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        let (maya, omar) = (waiter(&portal, 112), waiter(&portal, 2));
        // Visitor 112 has Tom's visit at three on Thursday and on Friday; the later one waits.
        let visits = portal.count("SELECT COUNT(*) AS n FROM appointment").await;
        let late = maya.visitor.book("physio", None, FRIDAY).await;
        assert!(late.is_err(), "all is taken");
        let own = waiter(&portal, 1);
        portal.visitor(102).cancel(&ten).await.unwrap();
        let visit = own.visitor.book("physio", Some("tom"), TEN).await.unwrap();
        let entry = own.begin(WaitFor { visit: visit.to_string(), ..WaitFor::default() }).await.unwrap();
        own.fill(&entry, Draft::default(), WishDraft::default()).await.unwrap();
        let waits = omar.join(physio(), thursdays()).await;
        work(&portal).await;
        assert_eq!((own.offered(&entry).await, omar.offered(&waits).await), (None, None));
        // Nine on Thursday comes free: earlier than ten, and Maya asked first.
        let nine = portal.count("SELECT COUNT(*) AS n FROM appointment WHERE status <> 'cancelled'").await;
        assert_eq!(nine, visits);
        cancel_at(&portal, "tom", "2026-03-12T09:00:00Z").await;
        work(&portal).await;
        let offer = own.offered(&entry).await.unwrap();
        assert_eq!(omar.offered(&waits).await, None, "one time, one offer");
        let shown = own.offer(&offer).await;
        assert_eq!(shown.visit.unwrap().summary.start.instant, at(TEN), "the old time stands beside the new");
        assert_eq!(own.take(&offer).await.unwrap(), visit, "the visit keeps its link");
        let moved = own.visitor.visit(&visit).await;
        assert_eq!(moved.summary.start.instant, at("2026-03-12T09:00:00Z"));
        // Its old time goes to the next who waits.
        work(&portal).await;
        let offer = omar.offered(&waits).await.unwrap();
        assert_eq!(omar.offer(&offer).await.to.start.instant, at(TEN));
        omar.take(&offer).await.unwrap();
        assert_eq!((portal.overlaps().await, portal.appointments().await), (0, visits));
    }

    async fn a_time_waits_for_who_is_still_answering_about_another_one(portal: TestPortal) {
        fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        let maya = waiter(&portal, 1);
        let entry = maya.join(physio(), WishDraft::default()).await;
        cancel_at(&portal, "tom", "2026-03-13T15:00:00Z").await;
        work(&portal).await;
        let first = maya.offered(&entry).await.unwrap();
        cancel_at(&portal, "tom", "2026-03-12T09:00:00Z").await;
        work(&portal).await;
        assert_eq!(maya.offered(&entry).await, Some(first.clone()), "nobody is asked about two times at once");
        maya.decline(&first).await;
        work(&portal).await;
        let second = maya.offered(&entry).await.unwrap();
        assert_eq!(maya.offer(&second).await.to.start.instant, at("2026-03-12T09:00:00Z"));
    }

    async fn a_crowd_on_the_list_keeps_five_free_times_from_others_and_no_more(portal: TestPortal) {
        let free = portal.visitor(99).starts("physio", "tom", "2026-03-12").await.len();
        for number in 1..=8 {
            waiter(&portal, number).join(physio(), WishDraft { thu: "on".into(), ..WishDraft::default() }).await;
        }
        work(&portal).await;
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM offer WHERE state = 'open'").await, 5);
        work(&portal).await;
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM offer WHERE state = 'open'").await, 5);
        assert!(portal.visitor(99).starts("physio", "tom", "2026-03-12").await.len() * 2 > free);
    }

    async fn who_says_nothing_or_no_makes_way_for_the_next_and_stays_on_the_list(portal: TestPortal) {
        let ten = fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        let waiters = [waiter(&portal, 1), waiter(&portal, 2), waiter(&portal, 3)];
        let mut entries = Vec::new();
        for one in &waiters {
            entries.push(one.join(physio(), WishDraft::default()).await);
            portal.clock.advance(TimeDelta::seconds(1));
        }
        portal.visitor(102).cancel(&ten).await.unwrap();
        work(&portal).await;
        let first = waiters[0].offered(&entries[0]).await.unwrap();
        waiters[0].decline(&first).await;
        assert_eq!(waiters[0].offer(&first).await.state, OfferState::Declined);
        work(&portal).await;
        let second = waiters[1].offered(&entries[1]).await.unwrap();
        portal.clock.advance(TimeDelta::minutes(60));
        assert_eq!(waiters[1].take(&second).await, Err(Conflict(Reason::SlotTaken)), "a minute too late is too late");
        work(&portal).await;
        assert_eq!(waiters[1].offer(&second).await.state, OfferState::Lapsed);
        let third = waiters[2].offered(&entries[2]).await.unwrap();
        waiters[2].decline(&third).await;
        work(&portal).await;
        for (one, entry) in waiters.iter().zip(&entries) {
            assert_eq!(one.offered(entry).await, None, "nobody is asked twice about one time");
            assert!(matches!(one.entry(entry).await.state, EntryState::Waiting { asked: Some(_), .. }));
        }
        // Free for everybody by now.
        portal.visitor(9).book("physio", Some("tom"), TEN).await.unwrap();
    }

    async fn the_least_recently_asked_is_asked_first(portal: TestPortal) {
        fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        let (maya, omar) = (waiter(&portal, 1), waiter(&portal, 2));
        let first = maya.join(physio(), WishDraft::default()).await;
        cancel_at(&portal, "tom", TEN).await;
        work(&portal).await;
        maya.decline(&maya.offered(&first).await.unwrap()).await;
        portal.clock.advance(TimeDelta::minutes(1));
        let second = omar.join(physio(), WishDraft::default()).await;
        portal.visitor(9).book("physio", Some("tom"), TEN).await.unwrap();
        work(&portal).await;
        let stand = |entry: Entry| match entry.state {
            EntryState::Waiting { before, .. } => before,
            other => panic!("{other:?}"),
        };
        assert_eq!((stand(maya.entry(&first).await), stand(omar.entry(&second).await)), (1, 0));
        cancel_at(&portal, "priya", TEN).await;
        work(&portal).await;
        assert!(omar.offered(&second).await.is_some(), "he joined later and was never asked");
        assert_eq!(maya.offered(&first).await, None);
    }

    async fn only_what_suits_is_offered(portal: TestPortal) {
        fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        let maya = waiter(&portal, 1);
        let wish = WishDraft { fri: "on".into(), afternoon: "on".into(), ..WishDraft::default() };
        let entry = maya.join(WaitFor { practitioner: "priya".into(), ..physio() }, wish).await;
        let wrong = [("priya", TEN), ("priya", FRIDAY), ("tom", "2026-03-13T14:00:00Z"), ("priya", "2026-03-12T14:00:00Z")];
        for (who, start) in wrong {
            cancel_at(&portal, who, start).await;
            work(&portal).await;
            assert_eq!(maya.offered(&entry).await, None, "{who} at {start}");
        }
        cancel_at(&portal, "priya", "2026-03-13T14:00:00Z").await;
        work(&portal).await;
        let offer = maya.offered(&entry).await.unwrap();
        assert_eq!(maya.offer(&offer).await.to.start.instant, at("2026-03-13T14:00:00Z"));
    }

    async fn nobody_is_asked_at_night(portal: TestPortal) {
        fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        let maya = waiter(&portal, 1);
        let entry = maya.join(physio(), WishDraft::default()).await;
        work(&portal).await;
        portal.clock.advance(TimeDelta::hours(9));
        cancel_at(&portal, "tom", "2026-03-12T14:00:00Z").await;
        work(&portal).await;
        assert_eq!(maya.offered(&entry).await, None, "it is nine in the evening");
        portal.clock.advance(TimeDelta::hours(11) - TimeDelta::seconds(1));
        work(&portal).await;
        assert_eq!(maya.offered(&entry).await, None, "a second before eight");
        portal.clock.advance(TimeDelta::seconds(1));
        work(&portal).await;
        assert!(maya.offered(&entry).await.is_some());
    }

    async fn when_staff_fill_the_time_the_offer_ends_by_itself(portal: TestPortal) {
        let ten = fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        let maya = waiter(&portal, 1);
        let entry = maya.join(physio(), WishDraft::default()).await;
        work(&portal).await;
        portal.visitor(102).cancel(&ten).await.unwrap();
        work(&portal).await;
        let offer = maya.offered(&entry).await.unwrap();
        let version = maya.offer(&offer).await.version;
        let number = number_at(&portal, "tom", FRIDAY).await;
        let change = Change::Move { start: "2026-03-12T10:00:00".parse().unwrap(), practitioner: None };
        portal.booking.change_for_clinic(&staff(), &rowan(), &number, change).await.unwrap();
        assert_eq!(maya.offer(&offer).await.state, OfferState::Withdrawn);
        assert_eq!(maya.take_version(&offer, &version).await, Err(Conflict(Reason::SlotTaken)));
        assert!(matches!(maya.entry(&entry).await.state, EntryState::Waiting { asked: None, .. }), "as if never asked");
        // The visit that staff moved left its own time, which is hers.
        work(&portal).await;
        let next = maya.offered(&entry).await.unwrap();
        assert_eq!(maya.offer(&next).await.to.start.instant, at(FRIDAY));
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn taking_and_staff_filling_at_once_leave_one_visit(portal: TestPortal) {
        let ten = fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        let maya = waiter(&portal, 1);
        let entry = maya.join(physio(), WishDraft::default()).await;
        work(&portal).await;
        portal.visitor(102).cancel(&ten).await.unwrap();
        work(&portal).await;
        let offer = maya.offered(&entry).await.unwrap();
        let version = maya.offer(&offer).await.version;
        let number = number_at(&portal, "tom", FRIDAY).await;
        let change = Change::Move { start: "2026-03-12T10:00:00".parse().unwrap(), practitioner: None };
        let (caller, slug) = (staff(), rowan());
        let (taken, again, filled) = tokio::join!(
            maya.take_version(&offer, &version),
            maya.take_version(&offer, &version),
            portal.booking.change_for_clinic(&caller, &slug, &number, change),
        );
        assert_eq!(taken.is_ok(), again.is_ok(), "{taken:?} {again:?}");
        assert_ne!(taken.is_ok(), filled.is_ok(), "{taken:?} {filled:?}");
        assert_eq!(portal.overlaps().await, 0);
    }

    async fn a_cancelled_visit_waits_for_nothing_and_what_it_was_offered_goes_on(portal: TestPortal) {
        fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        cancel_at(&portal, "tom", FRIDAY).await;
        let (maya, omar) = (waiter(&portal, 1), waiter(&portal, 2));
        let visit = maya.visitor.book("physio", Some("tom"), FRIDAY).await.unwrap();
        let entry = maya.begin(WaitFor { visit: visit.to_string(), ..WaitFor::default() }).await.unwrap();
        assert_eq!(maya.begin(WaitFor { visit: visit.to_string(), ..WaitFor::default() }).await.unwrap(), entry, "it waits once");
        maya.fill(&entry, Draft::default(), WishDraft::default()).await.unwrap();
        portal.clock.advance(TimeDelta::seconds(1));
        let next = omar.join(physio(), thursdays()).await;
        work(&portal).await;
        cancel_at(&portal, "tom", TEN).await;
        work(&portal).await;
        let offer = maya.offered(&entry).await.unwrap();
        maya.visitor.cancel(&visit).await.unwrap();
        assert_eq!(maya.entry(&entry).await.state, EntryState::Left);
        assert_eq!(maya.take(&offer).await, Err(Conflict(Reason::SlotTaken)));
        work(&portal).await;
        let offer = omar.offered(&next).await.unwrap();
        assert_eq!(omar.offer(&offer).await.to.start.instant, at(TEN));
    }

    async fn an_earlier_time_only_is_offered_unless_any_would_do(portal: TestPortal) {
        fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        cancel_at(&portal, "tom", TEN).await;
        let maya = waiter(&portal, 1);
        let visit = maya.visitor.book("physio", None, TEN).await.unwrap();
        let entry = maya.begin(WaitFor { visit: visit.to_string(), ..WaitFor::default() }).await.unwrap();
        maya.fill(&entry, Draft::default(), WishDraft::default()).await.unwrap();
        cancel_at(&portal, "tom", FRIDAY).await;
        work(&portal).await;
        assert_eq!(maya.offered(&entry).await, None, "Friday is later");
        maya.fill(&entry, Draft::default(), WishDraft { which: "any".into(), ..WishDraft::default() }).await.unwrap();
        cancel_at(&portal, "priya", FRIDAY).await;
        work(&portal).await;
        let offer = maya.offered(&entry).await.unwrap();
        assert_eq!(maya.offer(&offer).await.to.start.instant, at(FRIDAY));
    }

    async fn what_is_free_already_is_offered_to_whoever_joins(portal: TestPortal) {
        fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        cancel_at(&portal, "tom", TEN).await;
        let maya = waiter(&portal, 1);
        let entry = maya.join(physio(), WishDraft::default()).await;
        work(&portal).await;
        let offer = maya.offered(&entry).await.unwrap();
        maya.decline(&offer).await;
        work(&portal).await;
        cancel_at(&portal, "tom", FRIDAY).await;
        // Whatever else comes free is no reason to ask about old times again.
        work(&portal).await;
        let offer = maya.offered(&entry).await.unwrap();
        assert_eq!(maya.offer(&offer).await.to.start.instant, at(FRIDAY));
    }

    async fn a_new_day_in_reach_is_offered_to_whoever_was_never_asked(portal: TestPortal) {
        fill_calendar(&portal).await;
        portal.reload(|clinic| clinic.treatments[0].horizon_days = 2).await;
        let maya = waiter(&portal, 1);
        let entry = maya.join(physio(), WishDraft { mon: "on".into(), ..WishDraft::default() }).await;
        work(&portal).await;
        assert_eq!(portal.waitlist.look(&rowan(), &Looking::NeverAsked).await.unwrap(), Looked::Asked(0));
        assert_eq!(maya.offered(&entry).await, None);
        portal.clock.advance(TimeDelta::days(1));
        portal.reload(|clinic| clinic.treatments[0].horizon_days = 5).await;
        let again = portal.again().await;
        assert_eq!(again.waitlist.look(&rowan(), &Looking::NeverAsked).await.unwrap(), Looked::Asked(1));
        assert!(maya.offered(&entry).await.is_some());
    }

    async fn a_seat_that_comes_free_in_a_full_class_goes_to_whoever_waits_for_it(portal: TestPortal) {
        let mut seats = Vec::new();
        for number in 20..24 {
            seats.push(portal.visitor(number).book("class", Some("tom"), TEN).await.unwrap());
        }
        let (maya, omar) = (waiter(&portal, 1), waiter(&portal, 2));
        let wait = WaitFor { treatment: "class".into(), location: "london".into(), session: TEN.into(), ..WaitFor::default() };
        let entry = maya.join(wait.clone(), WishDraft::default()).await;
        portal.clock.advance(TimeDelta::seconds(1));
        let next = omar.join(wait, WishDraft::default()).await;
        work(&portal).await;
        assert_eq!(maya.offered(&entry).await, None, "other classes are free, and not what she wants");
        portal.visitor(20).cancel(&seats[0]).await.unwrap();
        work(&portal).await;
        let offer = maya.offered(&entry).await.unwrap();
        assert_eq!(portal.visitor(9).hold("class", Some("tom"), TEN).await, Err(Conflict(Reason::SlotTaken)), "her seat is kept");
        assert_eq!(omar.offered(&next).await, None);
        maya.take(&offer).await.unwrap();
        portal.visitor(21).cancel(&seats[1]).await.unwrap();
        work(&portal).await;
        omar.take(&omar.offered(&next).await.unwrap()).await.unwrap();
        let taken = portal.count("SELECT COUNT(*) AS n FROM appointment WHERE treatment = 'class' AND status <> 'cancelled'").await;
        assert_eq!(taken, 4);
    }

    async fn what_is_typed_is_kept_before_the_button_is_pressed_and_changes_nothing_after_it(portal: TestPortal) {
        let maya = waiter(&portal, 1);
        let entry = maya.begin(physio()).await.unwrap();
        let keep = async |name: &str, wish| {
            let draft = Draft { name: name.to_owned(), ..maya.visitor.draft() };
            portal.waitlist.keep(&maya.visitor.caller, &rowan(), &entry, draft, wish).await
        };
        keep("Maya Ha", thursdays()).await.unwrap();
        let typing = maya.entry(&entry).await;
        assert_eq!((typing.state, typing.wish, typing.draft.name.as_str()), (EntryState::Typing, thursdays(), "Maya Ha"));
        assert!(typing.errors.is_empty(), "nobody is told of mistakes while they type");
        maya.fill(&entry, maya.visitor.draft(), WishDraft::default()).await.unwrap();
        keep("Somebody else", thursdays()).await.unwrap();
        let waiting = maya.entry(&entry).await;
        assert_eq!((waiting.wish, waiting.draft.name), (WishDraft::default(), maya.visitor.draft().name));
        let forged = LinkToken(format!("{entry}x"));
        let kept = portal.waitlist.keep(&maya.visitor.caller, &rowan(), &forged, Draft::default(), WishDraft::default()).await;
        assert_eq!(kept, Err(PortalError::NotFound));
    }

    async fn what_is_wrong_with_the_details_is_said_and_what_was_typed_is_kept(portal: TestPortal) {
        let maya = waiter(&portal, 1);
        let entry = maya.begin(physio()).await.unwrap();
        assert!(maya.entry(&entry).await.errors.is_empty(), "nothing was sent yet");
        let draft = Draft { email: "maya@".into(), ..maya.visitor.draft() };
        let refused = maya.fill(&entry, draft.clone(), thursdays()).await.unwrap_err();
        assert!(matches!(refused, PortalError::Invalid(errors) if errors.get("email").is_some()));
        let kept = maya.entry(&entry).await;
        assert_eq!((kept.state, kept.wish, kept.draft.email.as_str()), (EntryState::Typing, thursdays(), "maya@"));
        assert!(kept.errors.get("email").is_some());
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM job").await, 0, "nobody waits yet");
    }

    async fn nobody_waits_for_what_they_cannot_have(portal: TestPortal) {
        let maya = waiter(&portal, 1);
        let entry = maya.begin(WaitFor { treatment: "follow-up".into(), ..physio() }).await.unwrap();
        let refused = maya.fill(&entry, maya.visitor.draft(), WishDraft::default()).await;
        assert_eq!(refused, Err(Conflict(Reason::NotEligible)));
        assert_eq!(maya.entry(&entry).await.state, EntryState::Typing);
        let wrong = [
            WaitFor { treatment: "none".into(), ..physio() },
            WaitFor { practitioner: "nobody".into(), ..physio() },
            WaitFor { location: "paris".into(), ..physio() },
            WaitFor { session: TEN.into(), ..physio() },
            WaitFor { session: "soon".into(), treatment: "class".into(), ..physio() },
            WaitFor { visit: "forged".into(), ..WaitFor::default() },
            WaitFor::default(),
        ];
        for wait in wrong {
            assert_eq!(maya.begin(wait.clone()).await, Err(PortalError::NotFound), "{wait:?}");
        }
        let past = WaitFor { treatment: "class".into(), session: "2026-03-11T11:00:00Z".into(), ..physio() };
        assert_eq!(maya.begin(past).await, Err(Conflict(Reason::TooLate)));
    }

    async fn rules_that_changed_since_are_asked_again_before_an_offer_and_before_it_is_taken(portal: TestPortal) {
        fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        let maya = waiter(&portal, 1);
        let entry = maya.join(physio(), WishDraft::default()).await;
        work(&portal).await;
        cancel_at(&portal, "tom", TEN).await;
        work(&portal).await;
        let offer = maya.offered(&entry).await.unwrap();
        let version = maya.offer(&offer).await.version;
        portal.reload(|clinic| clinic.treatments[0].price = 9900).await;
        let again = portal.again().await;
        let dearer = again.waitlist.take(&maya.visitor.caller, &rowan(), &offer, &version).await;
        assert_eq!(dearer, Err(Conflict(Reason::Changed)), "she saw another price");
        again.reload(|clinic| clinic.treatments[0].audience = Audience::Existing).await;
        let again = portal.again().await;
        let shown = again.waitlist.offer(&maya.visitor.caller, &rowan(), &offer).await.unwrap();
        let refused = again.waitlist.take(&maya.visitor.caller, &rowan(), &offer, &shown.version).await;
        assert_eq!(refused, Err(Conflict(Reason::NotEligible)));
        assert_eq!(portal.appointments().await, 31, "32 were booked, one was cancelled");
    }

    async fn a_link_opens_what_it_was_made_for_and_nothing_else(portal: TestPortal) {
        fill_calendar(&portal).await;
        let maya = waiter(&portal, 1);
        let entry = maya.join(physio(), WishDraft::default()).await;
        let (caller, slug) = (&maya.visitor.caller, rowan());
        let other = portal.links.make(Purpose::Entry, portal.clock.new_id());
        for link in [&other, &LinkToken("x".into()), &LinkToken(String::new())] {
            assert_eq!(portal.waitlist.entry(caller, &slug, link).await.unwrap_err(), PortalError::NotFound);
            assert_eq!(portal.waitlist.offer(caller, &slug, link).await.unwrap_err(), PortalError::NotFound);
            assert_eq!(portal.waitlist.take(caller, &slug, link, "").await.unwrap_err(), PortalError::NotFound);
        }
        assert_eq!(portal.waitlist.offer(caller, &slug, &entry).await.unwrap_err(), PortalError::NotFound);
        assert_eq!(portal.waitlist.decline(caller, &slug, &entry).await.unwrap_err(), PortalError::NotFound);
        let elsewhere = "other".parse().unwrap();
        assert_eq!(portal.waitlist.entry(caller, &elsewhere, &entry).await.unwrap_err(), PortalError::NotFound);
    }

    async fn who_leaves_is_not_asked(portal: TestPortal) {
        fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        let maya = waiter(&portal, 1);
        let entry = maya.join(physio(), WishDraft::default()).await;
        work(&portal).await;
        maya.leave(&entry).await;
        maya.leave(&entry).await;
        cancel_at(&portal, "tom", TEN).await;
        assert!(!work(&portal).await.contains(&"letter.offer".to_owned()));
        assert_eq!(maya.entry(&entry).await.state, EntryState::Left);
        assert_eq!(maya.fill(&entry, maya.visitor.draft(), WishDraft::default()).await, Err(Conflict(Reason::Changed)));
    }

    async fn a_request_that_staff_decline_goes_to_who_waits(portal: TestPortal) {
        fill_calendar(&portal).await;
        shut_other_days(&portal).await;
        cancel_at(&portal, "priya", TEN).await;
        let asked = portal.visitor(5).book("request", None, TEN).await.unwrap();
        let maya = waiter(&portal, 1);
        let entry = maya.join(physio(), WishDraft::default()).await;
        work(&portal).await;
        assert_eq!(maya.offered(&entry).await, None, "a request occupies its time");
        let number = portal.visitor(5).visit(&asked).await.number;
        portal.booking.answer(&staff(), &rowan(), &number, Answer::Decline).await.unwrap();
        work(&portal).await;
        assert!(maya.offered(&entry).await.is_some());
    }
}

/// Cancels whoever has this time.
async fn cancel_at(portal: &TestPortal, who: &str, start: &str) {
    let number = number_at(portal, who, start).await;
    portal.booking.change_for_clinic(&staff(), &rowan(), &number, Change::Cancel).await.unwrap();
}

async fn number_at(portal: &TestPortal, who: &str, start: &str) -> String {
    let mut tx = portal.database.read().await.unwrap();
    let found = tx
        .query("SELECT number FROM appointment WHERE practitioner = $1 AND start_at = $2 AND status <> 'cancelled'")
        .bind(who)
        .bind(at(start))
        .fetch_one()
        .await
        .unwrap();
    found.get("number").unwrap()
}

//! Many at once: one wins, the others are told, nobody books twice (faults F1, F7, F8).

use std::sync::Arc;

use app::error::{PortalError, Reason};
use futures::future::join_all;
use server::clock::Clock;
use server::store::StoreError;
use tokio::sync::Barrier;

use crate::on_both;

const TEN: &str = "2026-03-12T10:00:00Z";

on_both! {
    async fn of_a_hundred_who_want_one_time_exactly_one_gets_it(portal: TestPortal) {
        let barrier = Arc::new(Barrier::new(100));
        let tries = (0..100).map(|number| {
            let (visitor, barrier) = (portal.visitor(number), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                visitor.book("physio", Some("tom"), TEN).await
            })
        });
        let outcomes: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let told = outcomes.iter().filter(|outcome| **outcome == Err(PortalError::Conflict(Reason::SlotTaken))).count();
        assert_eq!((won, told), (1, 99), "{outcomes:?}");
        assert_eq!((portal.appointments().await, portal.overlaps().await), (1, 0));
    }

    async fn the_database_itself_refuses_a_second_holder_whatever_asked_for_it(portal: TestPortal) {
        portal.visitor(1).book("physio", Some("tom"), TEN).await.unwrap();
        let other = Clock::system().new_id();
        let blind = portal.database.write(async move |tx| {
            tx.query("INSERT INTO occupancy (clinic, resource, tick, holder) SELECT clinic, resource, tick, $1 FROM occupancy LIMIT 1")
                .bind(other)
                .execute()
                .await
        });
        assert_eq!(blind.await, Err(StoreError::Unique { table: "occupancy".to_owned() }));
    }

    async fn two_processes_cannot_both_book_a_time(portal: TestPortal) {
        let other = portal.again().await;
        for round in 0..20 {
            let start = format!("2026-03-{:02}T{:02}:00:00Z", 12 + round / 7 + if round >= 14 { 2 } else { 0 }, 9 + round % 7);
            let (one, two) = (portal.visitor(1), other.visitor(2));
            let (first, second) = tokio::join!(one.book("physio", Some("tom"), &start), two.book("physio", Some("tom"), &start));
            assert!(first.is_ok() != second.is_ok(), "{start}: {first:?} {second:?}");
        }
        assert_eq!((portal.appointments().await, portal.overlaps().await), (20, 0));
    }

    async fn a_double_tap_in_two_tabs_books_once_and_both_get_the_visit(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        let version = maya.describe(&hold, maya.draft()).await.unwrap().version;
        let taps = (0..20).map(|_| {
            let (maya, hold, version) = (maya.clone(), hold.clone(), version.clone());
            tokio::spawn(async move { maya.confirm_version(&hold, &version).await })
        });
        let links: Vec<_> = join_all(taps).await.into_iter().map(|tap| tap.unwrap().unwrap()).collect();
        assert!(links.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(portal.appointments().await, 1);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM job").await, 1);
        assert_eq!(portal.count("SELECT COUNT(*) AS n FROM patient").await, 1);
    }

    async fn a_retry_with_other_details_is_told_that_it_is_booked_already(portal: TestPortal) {
        let maya = portal.visitor(1);
        let hold = maya.hold("physio", Some("tom"), TEN).await.unwrap();
        let version = maya.describe(&hold, maya.draft()).await.unwrap().version;
        maya.confirm_version(&hold, &version).await.unwrap();
        assert_eq!(maya.confirm_version(&hold, "another").await, Err(PortalError::Conflict(Reason::AlreadyBooked)));
        assert_eq!(portal.appointments().await, 1);
    }

    async fn fifty_who_want_four_seats_fill_them_and_no_more(portal: TestPortal) {
        let joins = (0..50).map(|number| {
            let visitor = portal.visitor(number);
            tokio::spawn(async move { visitor.book("class", Some("tom"), TEN).await })
        });
        let outcomes: Vec<_> = join_all(joins).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 4, "{outcomes:?}");
        assert_eq!(portal.appointments().await, 4);
    }

    async fn a_list_that_is_old_decides_nothing(portal: TestPortal) {
        let times = portal.visitor(1).times("physio", |_| {}).await.unwrap();
        let slot = times.soonest.unwrap();
        let start = slot.start.instant.to_rfc3339();
        portal.visitor(2).book("physio", Some("tom"), &start).await.unwrap();
        portal.visitor(3).book("physio", Some("priya"), &start).await.unwrap();
        assert_eq!(portal.visitor(1).hold("physio", None, &start).await, Err(PortalError::Conflict(Reason::SlotTaken)));
    }
}

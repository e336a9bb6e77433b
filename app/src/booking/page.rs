//! The patient's pages of booking.

use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

macro_rules! page {
    ($($name:ident)*) => {$(
        pub struct $name;

        #[lazy_route]
        impl LazyRoute for $name {
            fn data() -> Self {
                Self
            }

            fn view(this: Self) -> AnyView {
                let $name = this;
                view! { <h1 tabindex="-1">{stringify!($name)}</h1> }.into_any()
            }
        }
    )*};
}

page! { BookPage TimesPage DetailsPage CheckPage VisitPage }

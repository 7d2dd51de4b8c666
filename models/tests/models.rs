//! Every model, in every order.

macro_rules! models {
    ($($model:ident),+ $(,)?) => {
        $(
            #[test]
            fn $model() {
                rust_grpc_models::$model();
            }
        )+
    };
}

models! {
    a_cork_is_put_in_while_it_is_taken_off,
    a_cork_leaves_nothing_unwritten,
    a_monitor_sees_the_handler_that_begins,
    a_pause_ends_with_the_call,
    a_reactor_reads_what_callers_leave,
    a_seat_has_one_driver,
    a_watcher_leaves_the_lead_to_callers,
    an_offer_is_taken_by_whoever_still_waits,
    callers_pass_the_lead_on,
    the_monitor_ends_a_pause,
    three_callers_pass_the_lead_on,
    what_comes_at_once_is_told,
    what_comes_at_once_wakes_the_last_waker,
    who_gives_up_leaves_the_lead_to_callers,
    who_gives_up_leaves_the_lead_to_its_like,
    who_gives_up_leaves_the_lead_to_the_reactor,
    who_gives_up_leaves_the_lead_to_the_watcher,
    who_is_called_finds_what_was_put_down,
    who_is_cancelled_leaves_the_lead_to_callers,
    who_sleeps_at_one_word_is_woken,
    who_waits_at_one_link_is_called,
}

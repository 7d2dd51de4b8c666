//! Many calls one after the other: on one channel, each on a channel of its own, with pauses.

use std::time::{Duration, Instant};

use super::unary::{check_large, large_request};
use super::{Outcome, stub};
use crate::options::ClientOptions;
use crate::proto::grpc::testing::TestServiceStub;

/// What long_lived_channel waits between calls if the flags do not say.
const LONG_LIVED_INTERVAL: Duration = Duration::from_millis(100);

pub(super) fn rpc_soak(shared: &TestServiceStub, options: &ClientOptions) -> Outcome {
    soak(options, interval(options), || check_large(&shared.unary_call(large_request())?))
}

pub(super) fn channel_soak(_: &TestServiceStub, options: &ClientOptions) -> Outcome {
    soak(options, interval(options), || {
        check_large(&stub(options.channel()?).unary_call(large_request())?)
    })
}

pub(super) fn long_lived_channel(shared: &TestServiceStub, options: &ClientOptions) -> Outcome {
    let interval = interval(options).max(LONG_LIVED_INTERVAL);
    soak(options, interval, || check_large(&shared.unary_call(large_request())?))
}

fn interval(options: &ClientOptions) -> Duration {
    Duration::from_millis(options.soak_min_time_ms_between_rpcs)
}

/// Calls as often as the options say, logs each call, and fails if too many failed or were slow.
fn soak(options: &ClientOptions, interval: Duration, call: impl Fn() -> Outcome) -> Outcome {
    let limit = Duration::from_millis(options.soak_per_iteration_max_acceptable_latency_ms);
    let begun = Instant::now();
    let (mut done, mut failed, mut times) = (0, 0, Vec::new());
    while done < options.soak_iterations && begun.elapsed() < options.soak_overall_timeout() {
        let start = Instant::now();
        let result = call();
        let time = start.elapsed();
        let result = match result {
            Ok(()) if time > limit => Err(format!("it took longer than {limit:?}").into()),
            result => result,
        };
        let peer = format!("{}:{}", options.server_host, options.server_port);
        let line = format!("soak iteration: {done} elapsed_ms: {} peer: {peer}", time.as_millis());
        match result {
            Ok(()) => eprintln!("{line} succeeded"),
            Err(error) => {
                failed += 1;
                eprintln!("{line} failed: {error}");
            }
        }
        times.push(time);
        done += 1;
        std::thread::sleep(interval.saturating_sub(time));
    }
    times.sort();
    if let (Some(median), Some(longest)) = (times.get(times.len() / 2), times.last()) {
        eprintln!("soak: {done} calls, median {median:?}, longest {longest:?}, {failed} failed");
    }
    if done < options.soak_iterations {
        let wanted = options.soak_iterations;
        return Err(format!("the time was over after {done} of {wanted} calls").into());
    }
    if failed > options.soak_max_failures {
        return Err(format!("{failed} calls failed or took too long").into());
    }
    Ok(())
}

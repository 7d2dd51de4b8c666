//! Counts what every operation of every runtime allocates: a line for each, tabs between: message, operation, peer,
//! allocations and the most bytes held at a time, both the mean over the samples.
//! A program of its own, so that counting takes no time where time is measured.

mod counting;

use bench_messages::cell::{self, Cell};
use bench_messages::workloads;

use self::counting::{Counting, Taken};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    counting::count_upb();
    for workload in workloads::all() {
        for cell in &mut cell::of_workload(&workload) {
            let (allocations, peak) = means(&taken(cell));
            println!(
                "{}\t{}\t{}\t{allocations:.2}\t{peak:.1}",
                cell.message, cell.operation, cell.peer
            );
        }
    }
}

/// What each sample takes, after every buffer has found its size.
fn taken(cell: &mut Cell) -> Vec<Taken> {
    cell.run(2 * cell.samples as u64);
    (0..cell.samples).map(|_| counting::during(|| cell.run(1))).collect()
}

fn means(taken: &[Taken]) -> (f64, f64) {
    let mean = |value: fn(&Taken) -> usize| {
        taken.iter().map(value).sum::<usize>() as f64 / taken.len() as f64
    };
    (mean(|taken| taken.allocations), mean(|taken| taken.peak))
}

#[cfg(test)]
mod tests {
    use bench_messages::schemas::google::Blob;
    use protobuf4::ClearAndParse;

    /// A message of upb that is cleared keeps its arena: this is why merging into it is not measured.
    #[test]
    fn a_cleared_message_of_upb_grows() {
        let blob =
            bench_messages::workloads::all().into_iter().find(|workload| workload.name == "M5");
        let [sample] = &blob.expect("a workload").samples[..] else { panic!("M5 is one message") };
        super::counting::count_upb();
        let taken = super::counting::during(|| {
            let mut message = Blob::new();
            (0..8).for_each(|_| message.clear_and_parse(sample).expect("the bytes of a message"));
        });
        assert!(taken.peak > 8 * sample.len(), "{} bytes", taken.peak);
    }
}

//! What was measured: a table for people, or every value for programs.

use std::collections::BTreeMap;

use bench_messages::cell::{Cell, Operation};

use crate::measure::Times;

const OURS: &str = "rust-grpc";

/// Every time, a line for each cell.
pub(crate) fn print_values(groups: &[Vec<Cell>], times: &Times) {
    for (group, times) in groups.iter().zip(times) {
        for (cell, taken) in group.iter().zip(times) {
            print!("{}\t{}\t{}\t{:.1}", cell.message, cell.operation, cell.peer, cell.size);
            taken.iter().for_each(|time| print!("\t{time:.2}"));
            println!();
        }
    }
}

/// A line for each message and operation; how much faster than the best peer; means.
pub(crate) fn print_table(groups: &[Vec<Cell>], times: &Times) {
    let mut faster: BTreeMap<Operation, Vec<f64>> = BTreeMap::new();
    for (group, times) in groups.iter().zip(times) {
        let medians: Vec<f64> = times.iter().map(|taken| median(taken)).collect();
        print!("{:<15} {:<11} {:>9.0} B", group[0].message, group[0].operation, group[0].size);
        for (cell, median) in group.iter().zip(&medians) {
            print!("  {} {median:>9.1} ns", cell.peer);
        }
        if let Some(ratio) = ratio_to_best(group, times, &medians) {
            print!("  {ratio:>6.2} x");
            faster.entry(group[0].operation).or_default().push(ratio);
        }
        println!();
    }
    for (operation, ratios) in faster {
        let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
        println!("geometric mean  {operation:<11} {mean:.2} x the best peer");
    }
}

/// How many times faster ours is than the fastest of the others, if both are there.
fn ratio_to_best(group: &[Cell], times: &[Vec<f64>], medians: &[f64]) -> Option<f64> {
    let ours = group.iter().position(|cell| cell.peer == OURS)?;
    let others = (0..group.len()).filter(|index| *index != ours);
    let best = others.min_by(|one, other| medians[*one].total_cmp(&medians[*other]))?;
    Some(ratio(&times[best], &times[ours]))
}

/// The median of the ratios of the rounds: in a round both were slowed down alike.
fn ratio(theirs: &[f64], ours: &[f64]) -> f64 {
    let ratios: Vec<f64> = theirs.iter().zip(ours).map(|(theirs, ours)| theirs / ours).collect();
    median(&ratios)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

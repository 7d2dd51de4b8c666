//! Times the runtimes beside each other; see `bench-messages --help`.

mod arguments;
mod measure;
mod report;

use std::process::ExitCode;

use bench_messages::cell::{self, Cell};
use bench_messages::workloads;

use self::arguments::Arguments;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{}", arguments::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    let mut groups = groups(&arguments);
    if groups.is_empty() {
        eprintln!("no cell is left by these filters");
        return ExitCode::from(2);
    }
    let times = measure::rounds(&mut groups, arguments.rounds, arguments.sample);
    if arguments.values {
        report::print_values(&groups, &times);
    } else {
        report::print_table(&groups, &times);
    }
    ExitCode::SUCCESS
}

/// The cells that the filters leave, those together that differ in the peer alone.
fn groups(arguments: &Arguments) -> Vec<Vec<Cell>> {
    let mut cells = Vec::new();
    for workload in workloads::all() {
        if arguments.messages.hold(workload.name) {
            cells.extend(cell::of_workload(&workload));
        }
    }
    cells.retain(|cell| arguments.operations.hold(cell.operation.name()));
    cells.retain(|cell| arguments.peers.hold(cell.peer));
    let mut groups: Vec<Vec<Cell>> = Vec::new();
    for cell in cells {
        let key = |cell: &Cell| (cell.message, cell.operation);
        match groups.iter_mut().find(|group| key(&group[0]) == key(&cell)) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    groups
}

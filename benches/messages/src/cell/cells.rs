//! What is timed of each peer: everything that it can do.

use std::hint::black_box;
use std::rc::Rc;

use super::check::{self, Judge};
use super::{Cell, Operation};
use crate::peers::{Codec, Json, KeptBuffer, KeptMessage};
use crate::workloads::Workload;

/// The cells of a workload; a peer is added after its results were found equal to the input.
pub(super) struct Cells<'a> {
    pub(super) list: Vec<Cell>,
    workload: &'a Workload,
    samples: Rc<[Vec<u8>]>,
    texts: Rc<[String]>,
}

impl<'a> Cells<'a> {
    /// No cells yet. Every peer parses the same JSON: that of `Printer`, whose bytes `J` judges.
    pub(super) fn new<Printer: Json, J: Judge>(workload: &'a Workload) -> Self {
        check::encoded::<Printer, J>(workload);
        let print = |sample: &Vec<u8>| Printer::to_json(&Printer::decode(sample));
        let texts: Rc<[String]> = workload.samples.iter().map(print).collect();
        Self { list: Vec::new(), workload, samples: workload.samples.clone().into(), texts }
    }

    /// A peer that can do all of it.
    pub(super) fn add<C: KeptMessage + KeptBuffer + Json, J: Judge + Json>(&mut self) {
        self.add_codec::<C, J>();
        self.add_kept_message::<C>();
        self.add_kept_buffer::<C, J>();
        self.add_json::<C, J>();
    }

    /// What every peer can do.
    pub(super) fn add_codec<C: Codec, J: Judge>(&mut self) {
        check::encoded::<C, J>(self.workload);
        let mut turn = Turn::new(self.samples.clone());
        self.push::<C>(Operation::Decode, move |count| {
            for _ in 0..count {
                black_box(C::decode(black_box(turn.next())));
            }
        });
        let mut turn = Turn::new(self.decoded::<C>());
        self.push::<C>(Operation::Encode, move |count| {
            for _ in 0..count {
                black_box(C::encode(black_box(turn.next())));
            }
        });
    }

    fn add_kept_message<C: KeptMessage>(&mut self) {
        check::merged::<C>(self.workload);
        let mut turn = Turn::new(self.samples.clone());
        let mut message = C::decode(turn.next());
        self.push::<C>(Operation::Merge, move |count| {
            for _ in 0..count {
                C::merge(black_box(&mut message), black_box(turn.next()));
            }
        });
    }

    fn add_kept_buffer<C: KeptBuffer, J: Judge>(&mut self) {
        check::encoded_kept::<C, J>(self.workload);
        let mut turn = Turn::new(self.decoded::<C>());
        let mut buffer = C::Buffer::default();
        self.push::<C>(Operation::EncodeKept, move |count| {
            for _ in 0..count {
                C::encode_kept(black_box(turn.next()), black_box(&mut buffer));
            }
        });
    }

    fn add_json<C: Json, J: Judge + Json>(&mut self) {
        check::json::<C, J>(self.workload, &self.texts);
        let mut turn = Turn::new(self.decoded::<C>());
        self.push::<C>(Operation::ToJson, move |count| {
            for _ in 0..count {
                black_box(C::to_json(black_box(turn.next())));
            }
        });
        let mut turn = Turn::new(self.texts.clone());
        self.push::<C>(Operation::FromJson, move |count| {
            for _ in 0..count {
                black_box(C::from_json(black_box(turn.next())));
            }
        });
    }

    fn decoded<C: Codec>(&self) -> Rc<[C::Message]> {
        self.samples.iter().map(|sample| C::decode(sample)).collect()
    }

    fn push<C: Codec>(&mut self, operation: Operation, run: impl FnMut(u64) + 'static) {
        let size = match operation {
            Operation::ToJson | Operation::FromJson => {
                self.texts.iter().map(String::len).sum::<usize>() as f64 / self.texts.len() as f64
            }
            Operation::Decode | Operation::Merge | Operation::Encode | Operation::EncodeKept => {
                self.workload.size()
            }
        };
        self.list.push(Cell {
            message: self.workload.name,
            operation,
            peer: C::PEER,
            size,
            samples: self.samples.len(),
            run: Box::new(run),
        });
    }
}

/// Goes round and round through samples.
struct Turn<T> {
    samples: Rc<[T]>,
    index: usize,
}

impl<T> Turn<T> {
    fn new(samples: Rc<[T]>) -> Self {
        Self { samples, index: 0 }
    }

    fn next(&mut self) -> &T {
        let index = self.index;
        self.index = if index + 1 == self.samples.len() { 0 } else { index + 1 };
        &self.samples[index]
    }
}

//! Which messages hold themselves: their fields need a box.
//!
//! An edge leads from a message to the message of a singular field or of a oneof's member. Maps and
//! repeated fields keep their elements elsewhere, so they need none. Two messages hold each other
//! exactly if they lie in one strongly connected component (Tarjan). Imports have no cycles, so a
//! component lies in one file.

use std::collections::HashMap;

use protobuf::descriptor::FileDescriptorProto;
use protobuf::descriptor::field_descriptor_proto::{Label, Type};

use super::inner;
use super::link::Index;
use super::messages::label;

/// The component of each message of a file, by full name.
#[derive(Debug, Default)]
pub(crate) struct Recursion {
    component: HashMap<String, usize>,
}

impl Recursion {
    /// Computes the components of a graph given as message → messages that it holds.
    pub(crate) fn new(holds: &[(String, Vec<String>)]) -> Self {
        let position: HashMap<&str, usize> =
            holds.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
        let edges = holds.iter().map(|(_, targets)| {
            targets.iter().filter_map(|target| position.get(target.as_str()).copied()).collect()
        });
        let components = Tarjan::components(&edges.collect::<Vec<Vec<usize>>>());
        let names = holds.iter().map(|(name, _)| name.clone());
        Self { component: names.zip(components).collect() }
    }

    /// Whether a field of `owner` whose message is `target` needs a box.
    pub(crate) fn needs_box(&self, owner: &str, target: &str) -> bool {
        match (self.component.get(owner), self.component.get(target)) {
            (Some(owner), Some(target)) => owner == target,
            _ => false,
        }
    }
}

/// The components of a file's messages.
pub(super) fn of_file(index: &Index<'_>, file: &FileDescriptorProto) -> Recursion {
    let mut holds = Vec::new();
    let mut open: Vec<_> = file
        .message_type
        .iter()
        .map(|message| (inner(file.package(), message.name()), message))
        .collect();
    while let Some((full, message)) = open.pop() {
        let nested = message.nested_type.iter();
        open.extend(nested.map(|nested| (inner(&full, nested.name()), nested)));
        let singular = message.field.iter().filter(|field| {
            let kind = field.type_.and_then(|kind| kind.enum_value().ok());
            label(field) != Some(Label::LABEL_REPEATED)
                && matches!(kind, Some(Type::TYPE_MESSAGE | Type::TYPE_GROUP))
        });
        let targets = singular.filter_map(|field| field.type_name().strip_prefix('.'));
        let targets = targets.filter(|target| !index.is_extern(target));
        let targets = targets.map(str::to_owned).collect();
        holds.push((full, targets));
    }
    Recursion::new(&holds)
}

/// Tarjan's algorithm with a stack of its own: the depth of the graph is the user's.
struct Tarjan<'a> {
    edges: &'a [Vec<usize>],
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    component: Vec<Option<usize>>,
    stack: Vec<usize>,
    visited: usize,
    found: usize,
}

impl<'a> Tarjan<'a> {
    fn components(edges: &'a [Vec<usize>]) -> Vec<usize> {
        let count = edges.len();
        let mut search = Self {
            edges,
            index: vec![None; count],
            low: vec![0; count],
            component: vec![None; count],
            stack: Vec::new(),
            visited: 0,
            found: 0,
        };
        for start in 0..count {
            if search.index[start].is_none() {
                search.visit(start);
            }
        }
        let components = search.component.into_iter();
        components.map(|component| component.expect("every node was visited")).collect()
    }

    fn visit(&mut self, start: usize) {
        self.enter(start);
        let mut open = vec![(start, 0)];
        while let Some((node, next)) = open.pop() {
            if let Some(&target) = self.edges[node].get(next) {
                open.push((node, next + 1));
                match self.index[target] {
                    None => {
                        self.enter(target);
                        open.push((target, 0));
                    }
                    Some(index) if self.component[target].is_none() => {
                        self.low[node] = self.low[node].min(index);
                    }
                    Some(_) => {}
                }
                continue;
            }
            if let Some(&(parent, _)) = open.last() {
                self.low[parent] = self.low[parent].min(self.low[node]);
            }
            if Some(self.low[node]) == self.index[node] {
                self.close(node);
            }
        }
    }

    fn enter(&mut self, node: usize) {
        self.index[node] = Some(self.visited);
        self.low[node] = self.visited;
        self.visited += 1;
        self.stack.push(node);
    }

    fn close(&mut self, root: usize) {
        while let Some(node) = self.stack.pop() {
            self.component[node] = Some(self.found);
            if node == root {
                break;
            }
        }
        self.found += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recursion(edges: &[(&str, &[&str])]) -> Recursion {
        let owned = edges.iter().map(|(name, targets)| {
            ((*name).to_owned(), targets.iter().map(|target| (*target).to_owned()).collect())
        });
        Recursion::new(&owned.collect::<Vec<_>>())
    }

    /// A message that holds itself, directly or through others, needs a box; its user does not.
    #[test]
    fn only_edges_inside_a_cycle_need_a_box() {
        let graph = recursion(&[
            ("User", &["A", "Leaf"]),
            ("A", &["B", "Leaf"]),
            ("B", &["C"]),
            ("C", &["A"]),
            ("Loop", &["Loop", "A"]),
            ("Leaf", &["Imported"]),
        ]);
        for (owner, target) in [("A", "B"), ("B", "C"), ("C", "A"), ("Loop", "Loop")] {
            assert!(graph.needs_box(owner, target), "{owner} -> {target}");
        }
        for (owner, target) in [("User", "A"), ("A", "Leaf"), ("Loop", "A"), ("Leaf", "Imported")] {
            assert!(!graph.needs_box(owner, target), "{owner} -> {target}");
        }
    }

    /// A chain as deep as memory allows costs no call stack.
    #[test]
    fn a_deep_chain_does_not_overflow_the_stack() {
        let chain = (0..100_000).map(|at| (format!("M{at}"), vec![format!("M{}", at + 1)]));
        let graph = Recursion::new(&chain.collect::<Vec<_>>());
        assert!(!graph.needs_box("M0", "M1"));
    }
}

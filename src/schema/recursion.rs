//! Strongly connected components: which messages hold each other.
//!
//! Two messages hold each other exactly if they lie in one component (Tarjan).

/// The component of each node of a graph given as node → nodes that it leads to. What a node leads
/// to lies in its own component or in one of a smaller number.
pub(super) fn components(edges: &[Vec<usize>]) -> Vec<usize> {
    Tarjan::components(edges)
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

    /// What a node leads to has no greater number, and the same one only inside a cycle.
    #[test]
    fn a_component_comes_after_those_it_leads_to() {
        // 0 uses 1 and 4; 1 → 2 → 3 → 1 is a cycle that leads to 4; 5 leads to itself and to 1.
        let edges = [vec![1, 4], vec![2, 4], vec![3], vec![1], vec![], vec![5, 1]];
        let components = components(&edges);
        assert_eq!((components[1], components[2]), (components[2], components[3]));
        for (from, to) in [(0, 1), (0, 4), (1, 4), (5, 1)] {
            assert!(components[to] < components[from], "{from} leads to {to}: {components:?}");
        }
    }

    /// A chain as deep as memory allows costs no call stack.
    #[test]
    fn a_deep_chain_does_not_overflow_the_stack() {
        let last = 100_000;
        let chain = (0..=last).map(|at| if at < last { vec![at + 1] } else { vec![] });
        let components = components(&chain.collect::<Vec<_>>());
        assert!(components[1] < components[0]);
    }
}

//! Header lists that differ from each other in the values of a few fields.
//!
//! Invariant: a template holds no value of those fields, which may be secrets.

use super::headers::{Field, Headers, RECORD_HEAD};
use crate::limits::HPACK_PATTERN_LITERALS_MAX as HOLES_MAX;

/// A list with holes in the place of values.
#[derive(Debug, Default)]
pub(crate) struct Template {
    /// The records of the list; those with a hole have an empty value.
    records: Vec<u8>,
    len: usize,
    holes: [Hole; HOLES_MAX],
    hole_count: usize,
}

/// Where a record with a hole stands.
#[derive(Clone, Copy, Debug, Default)]
struct Hole {
    record: usize,
    end: usize,
}

impl Template {
    /// Becomes the template of `headers` without the values of the fields at `positions`, which
    /// rise.
    pub(crate) fn set(&mut self, headers: &Headers, positions: impl IntoIterator<Item = usize>) {
        let mut positions = positions.into_iter().peekable();
        self.records.clear();
        self.hole_count = 0;
        self.len = headers.len();
        for (position, field) in headers.iter().enumerate() {
            let record = self.records.len();
            if positions.next_if_eq(&position).is_none() {
                Headers::write_record(field, &mut self.records);
                continue;
            }
            Headers::write_record(Field { value: &[], ..field }, &mut self.records);
            self.holes[self.hole_count] = Hole { record, end: self.records.len() };
            self.hole_count += 1;
        }
    }

    /// How many fields may differ.
    pub(crate) fn hole_count(&self) -> usize {
        self.hole_count
    }

    /// Whether `headers` is the same list, but for the values of the holes.
    #[inline]
    pub(crate) fn is_of(&self, headers: &Headers) -> bool {
        if self.hole_count == 0 {
            return headers.as_bytes() == self.records;
        }
        self.is_of_with_holes(headers).unwrap_or(false)
    }

    fn is_of_with_holes(&self, headers: &Headers) -> Option<bool> {
        let (mut list, mut from) = (headers.as_bytes(), 0);
        for hole in &self.holes[..self.hole_count] {
            list = list.strip_prefix(&self.records[from..hole.record])?;
            let (field, rest) = Headers::first_record(list)?;
            let (empty, _) = Headers::first_record(&self.records[hole.record..])?;
            if field.name != empty.name || field.sensitive != empty.sensitive {
                return None;
            }
            (list, from) = (rest, hole.end);
        }
        Some(*list == self.records[from..])
    }

    /// The fields of `headers`, which is of this template, in the place of the holes.
    pub(crate) fn filling<'a>(&self, headers: &'a Headers) -> impl Iterator<Item = Field<'a>> {
        let list = headers.as_bytes();
        let mut values = 0;
        self.holes[..self.hole_count].iter().map_while(move |hole| {
            let (field, _) = Headers::first_record(list.get(hole.record + values..)?)?;
            values += field.value.len();
            Some(field)
        })
    }

    /// A list of this template; `write` appends the value for each hole by its number. None as soon
    /// as that says false.
    pub(crate) fn fill(
        &self,
        room: usize,
        mut write: impl FnMut(usize, &mut Vec<u8>) -> bool,
    ) -> Option<Headers> {
        let mut records = Vec::with_capacity(self.records.len() + room);
        let mut from = 0;
        for (number, hole) in self.holes[..self.hole_count].iter().enumerate() {
            records.extend_from_slice(&self.records[from..hole.end]);
            let record = records.len() - (hole.end - hole.record);
            let start = records.len();
            if !write(number, &mut records) {
                return None;
            }
            let value_len = u32::try_from(records.len() - start).ok()?;
            let lengths = &mut records[record..record + RECORD_HEAD];
            lengths[RECORD_HEAD / 2..].copy_from_slice(&value_len.to_le_bytes());
            from = hole.end;
        }
        records.extend_from_slice(&self.records[from..]);
        Some(Headers::of_records(records, self.len))
    }

    /// Bytes that the list has without its values.
    #[cfg(test)]
    pub(crate) fn size(&self) -> usize {
        self.records.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: [&str; 2]) -> Headers {
        let mut headers = Headers::new();
        headers.push("a", "1");
        headers.push("first", values[0]);
        headers.push("b", "");
        headers.push_sensitive("second", values[1]);
        headers
    }

    /// A list is of the template if it differs from the first one in the values of the holes alone,
    /// and comes out of the template again by these values.
    #[test]
    fn a_list_is_taken_apart_and_put_together() {
        let mut template = Template::default();
        template.set(&list(["x", "secret"]), [1, 3]);
        assert_eq!(template.hole_count(), 2);
        assert!(!template.records.windows(6).any(|bytes| bytes == b"secret"));
        for values in [["x", "secret"], ["", ""], ["longer than before", "y"]] {
            let headers = list(values);
            assert!(template.is_of(&headers), "the same but for the values");
            let found = template.filling(&headers).map(|field| field.value);
            assert!(found.eq(values.map(str::as_bytes)));
            let filled = template.fill(0, |number, out| {
                out.extend_from_slice(values[number].as_bytes());
                true
            });
            assert_eq!(filled, Some(headers));
        }
        assert_eq!(template.fill(0, |number, _| number == 0), None);
    }

    /// Another name, another mark, another value elsewhere, one field more or less: another list.
    #[test]
    fn what_differs_elsewhere_is_another_list() {
        let mut template = Template::default();
        template.set(&list(["x", "y"]), [1, 3]);
        type Fields = Vec<(String, String, bool)>;
        let rebuilt = |change: &dyn Fn(usize, &mut Fields)| {
            (0..4)
                .map(|position| {
                    let own = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                    let headers = list(["x", "y"]);
                    let mut fields = headers
                        .iter()
                        .map(|field| (own(field.name), own(field.value), field.sensitive))
                        .collect();
                    change(position, &mut fields);
                    let mut changed = Headers::new();
                    for (name, value, sensitive) in &fields {
                        let (name, value) = (name.as_bytes(), value.as_bytes());
                        changed.push_field(Field { name, value, sensitive: *sensitive });
                    }
                    !template.is_of(&changed)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(rebuilt(&|at, fields| fields[at].0.push('z')), [true; 4]);
        assert_eq!(rebuilt(&|at, fields| fields[at].2 ^= true), [true; 4]);
        assert_eq!(rebuilt(&|at, fields| fields[at].1.push('z')), [true, false, true, false]);
        assert_eq!(rebuilt(&|at, fields| drop(fields.remove(at))), [true; 4]);
        assert_eq!(rebuilt(&|at, fields| fields.insert(at, fields[at].clone())), [true; 4]);
    }
}

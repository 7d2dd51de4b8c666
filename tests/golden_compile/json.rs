//! JSON of generated types: what the runtime's own types do not have.

use rust_grpc::Message as _;
use rust_grpc::message::{Json, JsonPrintOptions};
use rust_grpc::well_known::{Timestamp, Value};

use crate::enums::enums::Holder;
use crate::maps::maps::{Keys, Values};
use crate::oneofs::oneofs::Sample;
use crate::optional::optional::Mixed;
use crate::proto2::proto2::{Level, Order, State};
use crate::scalars::scalars::{Explicit, Implicit, Repeated};
use crate::well_known::well_known::Event;

/// The text is read and printed as it came.
#[track_caller]
fn same<M: Json>(text: &str) -> M {
    let message = M::from_json(text).unwrap();
    assert_eq!(message.to_json().unwrap(), text);
    assert_eq!(M::decode(&message.encode_to_vec()).unwrap(), message);
    message
}

/// Scalars of every type, without presence, with it, and repeated.
#[test]
fn scalars_are_printed_and_parsed() {
    let ones = r#"{"int32":-1,"int64":"-1","uint32":1,"uint64":"1","sint32":-1,"sint64":"-1","fixed32":1,"fixed64":"1","sfixed32":-1,"sfixed64":"-1","float":0.1,"double":-0.1,"bool":true,"string":"é","bytes":"AQ=="}"#;
    assert_eq!(same::<Implicit>(ones).float, 0.1);
    same::<Explicit>(ones);
    let zeros = r#"{"int32":0,"int64":"0","uint32":0,"uint64":"0","sint32":0,"sint64":"0","fixed32":0,"fixed64":"0","sfixed32":0,"sfixed64":"0","float":0,"double":0,"bool":false,"string":"","bytes":""}"#;
    assert_eq!(Implicit::from_json(zeros).unwrap().to_json().unwrap(), "{}");
    assert_eq!(same::<Explicit>(zeros).double, Some(0.0));
    let all = JsonPrintOptions::new().fields_without_presence();
    assert_eq!(Implicit::default().to_json_with(&all).unwrap(), zeros);
    assert_eq!(Explicit::default().to_json_with(&all).unwrap(), "{}");
    let lists = r#"{"int32":[0,-1],"int64":["5"],"float":["NaN",-0],"bool":[true,false],"string":["","a"],"bytes":["","/w=="]}"#;
    assert_eq!(Repeated::from_json(lists).unwrap().to_json().unwrap(), lists);
}

/// Maps with keys of every type, and with values that are messages and enums.
#[test]
fn maps_are_printed_and_parsed() {
    same::<Keys>(
        r#"{"int32":{"-1":"a"},"int64":{"-1":"a","5":""},"uint64":{"18446744073709551615":"a"},"sfixed32":{"7":"a"},"bool":{"false":"a","true":"b"},"string":{"":"a","é":"b"}}"#,
    );
    same::<Values>(
        r#"{"numbers":{"a":1.5},"blobs":{"a":"AQ=="},"colors":{"a":"COLOR_RED","b":7},"points":{"a":{},"b":{"x":1}},"values":{"a":{"values":{"b":{}}}}}"#,
    );
}

/// Members of oneofs, of every kind; proto3 `optional`.
#[test]
fn oneofs_are_printed_and_parsed() {
    for text in [
        r#"{"number":"0"}"#,
        r#"{"text":""}"#,
        r#"{"raw":""}"#,
        r#"{"color":"COLOR_UNSPECIFIED"}"#,
        r#"{"point":{}}"#,
        r#"{"halfLife":0,"yes":false}"#,
        r#"{"before":"a","point":{"x":1},"between":"b","otherPoint":{"y":2}}"#,
    ] {
        same::<Sample>(text);
    }
    assert!(Sample::from_json(r#"{"number":1,"text":"a"}"#).is_err());
    same::<Mixed>(
        r#"{"count":0,"name":"","color":"COLOR_UNSPECIFIED","point":{},"data":"","plain":{}}"#,
    );
}

/// Open enums by name, aliases by the first one, numbers without a name as they are.
#[test]
fn enums_are_printed_and_parsed() {
    same::<Holder>(
        r#"{"mood":"MOOD_GLOOMY","inner":"INNER_ONE","alias":"ALIAS_FIRST","versions":["VERSION_2_BETA",9],"moods":{"-1":"MOOD_LOWEST"},"word":"WORDS_SELF"}"#,
    );
    let again = Holder::from_json(r#"{"alias":"ALIAS_AGAIN"}"#).unwrap();
    assert_eq!(again.to_json().unwrap(), r#"{"alias":"ALIAS_FIRST"}"#);
}

/// proto2: required fields, closed enums, groups, strings of any bytes.
#[test]
fn proto2_is_printed_and_parsed() {
    let required = r#""name":"x","count":1,"main":{"id":"i"}"#;
    let order = |more: &str| Order::from_json(&format!("{{{required}{more}}}"));
    let parsed = order(
        r#","state":"STATE_ANCIENT","states":[1,"STATE_BELOW"],"named":{"a":"LEVEL_HIGH"},"detail":{"text":"t"},"line":[{"price":"5"}],"pack":{"size":2}"#,
    )
    .unwrap();
    assert_eq!(parsed.state, Some(State::Old));
    assert_eq!(parsed.named.get(&b"a"[..]).copied(), Some(Level::High));
    let printed = parsed.to_json().unwrap();
    assert!(
        printed.contains(r#""state":"STATE_OLD","states":["STATE_NEW","STATE_BELOW"]"#),
        "{printed}"
    );
    assert!(printed.contains(r#""detail":{"text":"t"},"line":[{"price":"5"}]"#), "{printed}");
    assert_eq!(Order::from_json(&printed), Ok(parsed));
    assert!(order(r#","state":9"#).is_err());
    let error = Order::from_json("{\n}").unwrap_err().to_string();
    assert!(
        error.ends_with("line 2, column 2: expected the required field name, got none"),
        "{error}"
    );
    let error = order(r#","line":[{}]"#).unwrap_err().to_string();
    assert!(error.contains("expected the required field line"), "{error}");
    let mut order = Order { name: Some(b"\xff"[..].into()), ..Default::default() };
    assert!(order.to_json().is_err());
    order.name = Some("y".into());
    assert_eq!(order.to_json().unwrap(), r#"{"name":"y"}"#);
}

/// Well-known types within a message of another crate, merged into.
#[test]
fn well_known_fields_are_printed_and_parsed() {
    let text = r#"{"time":"1970-01-01T00:00:01Z","length":"-1s","payload":{"@type":"x/well_known.Event","name":"inner"},"mask":"a,bC","context":{"a":null},"values":[null,1],"name":"","kind":"TYPE_STRING","times":{"a":"1970-01-01T00:00:00Z"},"list":[]}"#;
    let mut event = same::<Event>(text);
    assert_eq!(event.values, [Value::null(), Value::from(1)]);
    event
        .merge_json(r#"{"values":["x"],"time":"1970-01-01T00:00:02Z","mask":null,"nothing":{}}"#)
        .unwrap();
    assert_eq!(event.values.len(), 3);
    assert_eq!(*event.time, Timestamp { seconds: 2, ..Default::default() });
    assert!(event.mask.is_none());
    assert!(event.to_json().unwrap().contains(r#""nothing":{}"#), "the list gave way");
    same::<Event>(r#"{"nothing":{}}"#);
}

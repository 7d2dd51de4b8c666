//! Messages that are mostly text and structure: an answer, a line of a log, an event, a document.

use rust_grpc::Message as _;

use super::{Workload, flat, with_maps};
use crate::random::Random;
use crate::schemas::ours;
use crate::schemas::prost::shapes::{
    Account, AnalyticsEvent, ApiResponse, Device, DocumentPart, Entry, GoogleMessage1, LogRecord,
    Plan, Property, PropertyList, Section, Severity, property,
};

pub(super) fn all() -> Vec<Workload> {
    vec![
        flat("ApiResponse", 16, api_response),
        with_maps("LogRecord", 16, log_record, |bytes| {
            ours::shapes::LogRecord::decode(bytes).expect("bytes of prost").encode_to_vec()
        }),
        flat("AnalyticsEvent", 8, analytics_event),
        flat("GoogleMessage1", 16, google_message1),
    ]
}

fn api_response(random: &mut Random) -> ApiResponse {
    let plans = [Plan::Free, Plan::Team, Plan::Company];
    ApiResponse {
        request_id: random.hex(32),
        status: if random.one_in(4) { 404 } else { 200 },
        message: words(random, 0, 6),
        time_ms: 1_790_000_000_000 + random.below(1 << 32),
        cached: random.one_in(2),
        cost: random.decimal(1),
        account: Some(Account {
            id: random.varint(6),
            name: words(random, 1, 3),
            email: email(random),
            plan: plans[random.between(0, 3)].into(),
            verified: random.one_in(2),
        }),
        entries: (0..random.between(0, 8)).map(|_| entry(random)).collect(),
        warnings: (0..random.between(0, 3)).map(|_| words(random, 3, 9)).collect(),
        next_page: random.one_in(2).then(|| random.hex(24)),
        retry_after_s: random.one_in(4).then(|| random.below(600) as u32),
        total: random.varint(3) as i64,
    }
}

fn entry(random: &mut Random) -> Entry {
    Entry {
        id: random.hex(12),
        title: words(random, 2, 8),
        rating: random.below(50) as f32 / 10.0,
        count: random.varint(3) as u32,
        tags: (0..random.between(0, 6)).map(|_| random.varint(2) as u32).collect(),
    }
}

fn log_record(random: &mut Random) -> LogRecord {
    let severities =
        [Severity::Debug, Severity::Info, Severity::Info, Severity::Warn, Severity::Error];
    let severity = severities[random.between(0, severities.len())];
    LogRecord {
        time_unix_ns: 1_790_000_000_000_000_000 + random.below(1 << 50),
        severity: severity.into(),
        body: words(random, 4, 30),
        trace_id: random.bytes(16),
        span_id: random.bytes(8),
        service: format!("{}-{}", random.letters(6), random.letters(4)),
        host: format!("{}.{}.internal", random.hex(8), random.letters(5)),
        labels: (0..random.between(2, 8)).map(|_| label(random)).collect(),
        file: format!("src/{}/{}.rs", random.letters(7), random.letters(5)),
        line: random.varint(2) as u32,
        thread: random.varint(3),
        stack_trace: (severity == Severity::Error).then(|| stack_trace(random)),
    }
}

fn label(random: &mut Random) -> (String, String) {
    (format!("{}.{}", random.letters(4), random.letters(5)), words(random, 1, 3))
}

fn stack_trace(random: &mut Random) -> String {
    let line = |depth| format!("  {depth}: {}::{}\n", random.letters(9), random.letters(12));
    (0..24).map(line).collect()
}

fn analytics_event(random: &mut Random) -> AnalyticsEvent {
    AnalyticsEvent {
        event_id: random.hex(32),
        name: random.pick(&["page.opened", "order.placed", "search", "video.paused"]).into(),
        user: random.varint(7),
        occurred_at_us: 1_790_000_000_000_000 + random.below(1 << 40) as i64,
        device: Some(Device {
            model: words(random, 1, 3),
            system: random.pick(&["Linux 6.12", "Android 16", "iOS 26"]).into(),
            width: 1080,
            height: 2400,
            scale: 2.75,
            locale: random.pick(&["de-DE", "en-GB", "ja-JP", "pt-BR"]).into(),
        }),
        properties: properties(random, 12),
        sections: (0..random.between(2, 5)).map(|_| section(random, 3)).collect(),
        experiments: (0..random.between(0, 9)).map(|_| random.letters(11)).collect(),
    }
}

fn section(random: &mut Random, depth: usize) -> Section {
    let children = if depth == 0 { 0 } else { random.between(1, 4) };
    Section {
        id: random.letters(5),
        visible_ms: random.varint(3) as u32,
        properties: properties(random, 5),
        sections: (0..children).map(|_| section(random, depth - 1)).collect(),
    }
}

fn properties(random: &mut Random, end: usize) -> Vec<Property> {
    (0..random.between(1, end)).map(|_| property(random)).collect()
}

fn property(random: &mut Random) -> Property {
    let value = match random.below(16) {
        0..6 => property::Value::Text(words(random, 1, 4)),
        6..11 => property::Value::Integer(random.varint(5) as i64 - 1_000_000),
        11..13 => property::Value::Number(random.decimal(1_000_000)),
        13..15 => property::Value::Flag(random.one_in(2)),
        _ => property::Value::List(PropertyList { properties: properties(random, 4) }),
    };
    let size = random.between(3, 14);
    Property { key: random.letters(size), value: Some(value) }
}

fn google_message1(random: &mut Random) -> GoogleMessage1 {
    GoogleMessage1 {
        url: Some(format!("https://{}.example/{}", random.letters(8), random.hex(10))),
        title: Some(words(random, 2, 8)),
        language: Some("en".into()),
        links: (0..random.between(0, 6)).map(|_| random.bits()).collect(),
        rank: Some(random.varint(2) as i32),
        depth: Some(random.below(9) as i32),
        indexed: Some(true),
        secure: Some(random.one_in(2)),
        mobile: random.one_in(2).then_some(false),
        status: Some(-(random.below(3) as i32)),
        fetched_at: Some(1_790_000_000 + random.below(1 << 20) as i64),
        modified_at: random.one_in(2).then(|| 1_780_000_000 + random.below(1 << 20) as i64),
        fingerprint: Some(random.bits()),
        checksum: Some(random.bits() as u32),
        part: Some(document_part(random)),
        inbound: Some(random.varint(3) as i32),
        outbound: Some(random.varint(2) as i32),
        snippet: Some(words(random, 5, 20)),
        cached: Some(random.one_in(2)),
        visits: Some(random.varint(4) as i32),
        mime: Some("text/html".into()),
        host: random.one_in(2).then(|| random.letters(14)),
        size: Some(random.varint(3) as u32),
        score: Some(random.decimal(1)),
        freshness: random.one_in(2).then(|| random.decimal(1) as f32),
        archived: Some(false),
        shard: Some(random.below(4096) as i32),
        owner: random.one_in(2).then(|| random.letters(7)),
        pinned: random.one_in(2).then_some(true),
        version: Some(random.below(300) as i32),
    }
}

fn document_part(random: &mut Random) -> DocumentPart {
    DocumentPart {
        offset: Some(random.varint(3) as i32),
        length: Some(random.varint(2) as i32),
        visible: Some(true),
        heading: Some(words(random, 1, 5)),
        hash: Some(random.bits() as i64),
        color: Some(random.bits() as u32),
        anchor: random.one_in(2).then(|| random.letters(9)),
    }
}

fn words(random: &mut Random, start: usize, end: usize) -> String {
    let count = random.between(start, end);
    random.words(count)
}

fn email(random: &mut Random) -> String {
    format!("{}.{}@{}.example", random.letters(5), random.letters(8), random.letters(7))
}

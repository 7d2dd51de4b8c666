//! reflection.proto, question by question.

use std::time::Duration;

use super::ReflectionService;
use super::service::tests::{ask, open};
use super::v1::server_reflection_request::MessageRequest;
use super::v1::server_reflection_response::MessageResponse;
use super::v1::{
    self, ExtensionRequest, ServerReflectionRequest, ServerReflectionResponse, ServerReflectionStub,
};
use super::v1alpha;
use crate::client::{BidiStream, Channel};
use crate::grpc::Code;
use crate::limits::{REFLECTION_ANSWERS_MAX, REFLECTION_QUESTION_SIZE_MAX, REFLECTION_WORKERS};
use crate::message::well_known::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, FileDescriptorSet, descriptor_proto, field_descriptor_proto,
};
use crate::message::{ByteString, DescriptorPool, GeneratedFile, Message};
use crate::server::Server;
use crate::transport::InProcess;

/// A file `a.proto` of package `a`, which imports `b.proto`: message `Open` takes extensions from
/// 100 on, and has two of its own file.
fn set() -> Vec<u8> {
    let text = |text: &str| Some(ByteString::from(text));
    let extension = |name: &str, number| FieldDescriptorProto {
        name: text(name),
        extendee: text(".a.Open"),
        number: Some(number),
        label: Some(field_descriptor_proto::Label::Optional),
        r#type: Some(field_descriptor_proto::Type::Int32),
        ..Default::default()
    };
    let range =
        descriptor_proto::ExtensionRange { start: Some(100), end: Some(200), ..Default::default() };
    let open =
        DescriptorProto { name: text("Open"), extension_range: vec![range], ..Default::default() };
    let nest = DescriptorProto {
        name: text("Nest"),
        extension: vec![extension("inner", 120)],
        ..Default::default()
    };
    let value =
        EnumValueDescriptorProto { name: text("RED"), number: Some(0), ..Default::default() };
    let color =
        EnumDescriptorProto { name: text("Color"), value: vec![value], ..Default::default() };
    let a = FileDescriptorProto {
        name: text("a.proto"),
        package: text("a"),
        dependency: vec!["b.proto".into()],
        message_type: vec![open, nest],
        enum_type: vec![color],
        extension: vec![extension("outer", 101)],
        ..Default::default()
    };
    let b = FileDescriptorProto { name: text("b.proto"), package: text("b"), ..Default::default() };
    FileDescriptorSet { file: vec![b, a], ..Default::default() }.encode_to_vec()
}

fn service() -> ReflectionService {
    ReflectionService::builder().register_descriptor_set(&set()).unwrap().build()
}

/// The names of the files in an answer, the code of an error.
fn files(service: &ReflectionService, question: MessageRequest) -> Result<Vec<String>, i32> {
    match ask(service, Some(question)).message_response.unwrap() {
        MessageResponse::FileDescriptorResponse(files) => {
            let name = |bytes: &Vec<u8>| {
                let name = FileDescriptorProto::decode(bytes).unwrap().name.unwrap();
                String::from_utf8(name.to_vec()).unwrap()
            };
            Ok(files.file_descriptor_proto.iter().map(name).collect())
        }
        MessageResponse::ErrorResponse(error) => {
            assert!(!error.error_message.is_empty());
            Err(error.error_code)
        }
        other => panic!("expected files or an error, got {other:?}"),
    }
}

const NOT_FOUND: Result<Vec<String>, i32> = Err(Code::NotFound as i32);

/// file_by_filename: the file first, then all that it imports.
#[test]
fn a_file_comes_with_its_imports() {
    let file = |name: &str| files(&service(), MessageRequest::FileByFilename(name.to_owned()));
    assert_eq!(file("a.proto").unwrap(), ["a.proto", "b.proto"]);
    assert_eq!(file("b.proto").unwrap(), ["b.proto"]);
    assert_eq!(file("c.proto"), NOT_FOUND);
    assert_eq!(file(""), NOT_FOUND);
}

/// file_containing_symbol: every kind of declaration by its full name, without a leading dot.
#[test]
fn a_symbol_is_found_by_its_full_name() {
    let builder = ReflectionService::builder().register_descriptor_set(&set()).unwrap();
    let service = builder.register(&v1::FILE_GRPC_REFLECTION_V1_REFLECTION).unwrap().build();
    let file = |name: &str| files(&service, MessageRequest::FileContainingSymbol(name.to_owned()));
    for symbol in ["a.Open", "a.Nest", "a.Nest.inner", "a.outer", "a.Color", "a.RED"] {
        assert_eq!(file(symbol).unwrap()[0], "a.proto", "{symbol}");
    }
    for symbol in [
        "ServerReflection",
        "ServerReflection.ServerReflectionInfo",
        "ServerReflectionRequest.host",
        "ServerReflectionRequest.message_request",
    ] {
        let symbol = format!("grpc.reflection.v1.{symbol}");
        assert_eq!(file(&symbol).unwrap(), ["grpc/reflection/v1/reflection.proto"], "{symbol}");
    }
    for symbol in ["", "a", ".a.Open", "a.open", "Open", "a.Open.", "a.Color.RED"] {
        assert_eq!(file(symbol), NOT_FOUND, "{symbol}");
    }
}

/// file_containing_extension and all_extension_numbers_of_type.
#[test]
fn extensions_are_found_by_message_and_number() {
    let service = service();
    let file = |message: &str, extension_number| {
        let containing_type = message.to_owned();
        let extension =
            ExtensionRequest { containing_type, extension_number, ..Default::default() };
        files(&service, MessageRequest::FileContainingExtension(extension))
    };
    assert_eq!(file("a.Open", 101).unwrap(), ["a.proto", "b.proto"]);
    assert_eq!(file("a.Open", 120).unwrap(), ["a.proto", "b.proto"]);
    for (message, number) in [("a.Open", 102), ("a.Open", -1), ("a.Nest", 101), ("a.Shut", 101)] {
        assert_eq!(file(message, number), NOT_FOUND, "{message} {number}");
    }
    let numbers = |message: &str| {
        let question = MessageRequest::AllExtensionNumbersOfType(message.to_owned());
        match ask(&service, Some(question)).message_response.unwrap() {
            MessageResponse::AllExtensionNumbersResponse(numbers) => {
                assert_eq!(numbers.base_type_name, message);
                Ok(numbers.extension_number)
            }
            MessageResponse::ErrorResponse(error) => Err(error.error_code),
            other => panic!("expected numbers or an error, got {other:?}"),
        }
    };
    assert_eq!(numbers("a.Open"), Ok(vec![101, 120]));
    assert_eq!(numbers("a.Nest"), Ok(vec![]));
    assert_eq!(numbers("a.Shut"), Err(Code::NotFound as i32));
}

/// The request and its host come back with the answer; no question at all is INVALID_ARGUMENT.
#[test]
fn the_request_comes_back_with_the_answer() {
    let answer = ask(&service(), None);
    assert_eq!(answer.valid_host, "here");
    assert_eq!(answer.original_request.host, "here");
    let Some(MessageResponse::ErrorResponse(error)) = answer.message_response else {
        panic!("expected an error, got {answer:?}");
    };
    assert_eq!(error.error_code, Code::InvalidArgument as i32);
}

/// Generated code has no file for an import that nobody uses: what is given out does not name it,
/// so that clients can build it.
#[test]
fn an_import_without_a_file_is_left_out() {
    let text = |text: &str| Some(ByteString::from(text));
    let proto = FileDescriptorProto {
        name: text("c.proto"),
        dependency: vec!["gone.proto".into(), "google/protobuf/any.proto".into()],
        public_dependency: vec![0, 1],
        ..Default::default()
    };
    let bytes: &'static [u8] = proto.encode_to_vec().leak();
    let any = || &crate::message::well_known::FILE_GOOGLE_PROTOBUF_ANY;
    let file: &'static GeneratedFile =
        Box::leak(Box::new(GeneratedFile::new(bytes, Box::leak(Box::new([any as fn() -> _])))));
    let service = ReflectionService::builder().register(file).unwrap().build();
    let question = MessageRequest::FileByFilename("c.proto".to_owned());
    let answer = ask(&service, Some(question)).message_response;
    let Some(MessageResponse::FileDescriptorResponse(files)) = answer else {
        panic!("expected files, got {answer:?}");
    };
    let files: Vec<_> = files.file_descriptor_proto.iter().map(Vec::as_slice).collect();
    let first = FileDescriptorProto::decode(files[0]).unwrap();
    assert_eq!(first.dependency, ["google/protobuf/any.proto"]);
    assert_eq!(first.public_dependency, [0]);
    let file = files.iter().map(|bytes| FileDescriptorProto::decode(bytes).unwrap()).collect();
    let set = FileDescriptorSet { file, ..Default::default() }.encode_to_vec();
    DescriptorPool::new().add_descriptor_set(&set).unwrap();
}

/// A descriptor set that cannot be built is refused in words.
#[test]
fn a_broken_descriptor_set_is_refused() {
    assert!(ReflectionService::builder().register_descriptor_set(b"\xff").is_err());
}

/// list_services: what the server has when it starts, whenever reflection was asked for, with both
/// versions of reflection itself, sorted; and both versions answer.
#[test]
fn a_server_lists_all_its_services() {
    struct Late;
    impl crate::server::Service for Late {
        fn name(&self) -> &str {
            "z.Late"
        }
        fn methods(&self) -> &[crate::grpc::Method] {
            &[]
        }
        fn call(&self, _: usize, call: crate::server::ServerCall<'_>) {
            call.unimplemented();
        }
    }
    let place = InProcess::new();
    let builder = Server::builder().enable_reflection().add_service(Late);
    let _server = builder.bind(&place).unwrap().start().unwrap();
    let channel = Channel::in_process(&place);
    let mut stream = ServerReflectionStub::new(channel.clone()).server_reflection_info(()).unwrap();
    let everything = Some(MessageRequest::ListServices(String::new()));
    let question = ServerReflectionRequest { message_request: everything, ..Default::default() };
    stream.send(&question).unwrap();
    let answer = stream.recv().unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else {
        panic!("expected services, got {answer:?}");
    };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    let [v1, v1alpha] = ["v1", "v1alpha"].map(|v| format!("grpc.reflection.{v}.ServerReflection"));
    assert_eq!(names, [v1.as_str(), v1alpha.as_str(), "z.Late"]);
    stream.close_send();
    assert_eq!(stream.recv().unwrap(), None);

    use v1alpha::server_reflection_request::MessageRequest as Question;
    let stub = v1alpha::ServerReflectionStub::new(channel);
    let mut stream = stub.server_reflection_info(()).unwrap();
    for symbol in names.iter().filter(|name| name.starts_with("grpc")) {
        let question = Some(Question::FileContainingSymbol((*symbol).to_owned()));
        let question =
            v1alpha::ServerReflectionRequest { message_request: question, ..Default::default() };
        stream.send(question).unwrap();
        let answer = stream.recv().unwrap().unwrap().message_response;
        use v1alpha::server_reflection_response::MessageResponse as Answer;
        assert!(matches!(answer, Some(Answer::FileDescriptorResponse(_))), "{answer:?}");
    }
}

type Questions = BidiStream<ServerReflectionRequest, ServerReflectionResponse>;

/// Asks for a file, and waits for the answer unless it is asked for later.
fn ask_for(questions: &mut Questions, file: &str) {
    let question = Some(MessageRequest::FileByFilename(file.to_owned()));
    questions
        .send(ServerReflectionRequest { message_request: question, ..Default::default() })
        .unwrap();
}

#[track_caller]
fn expect_answer_about(questions: &mut Questions, file: &str) {
    let answer = questions.recv().unwrap().expect("an answer to each question");
    let asked = answer.original_request.message_request.clone();
    assert_eq!(asked, Some(MessageRequest::FileByFilename(file.to_owned())));
}

fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

/// A call holds no worker while its client is silent: with many times as many of them open as there are
/// workers, another one is answered, and so are all of them later.
#[test]
fn silent_clients_hold_no_worker() {
    let service = service();
    let place = InProcess::new();
    let builder = Server::builder().max_workers(1).add_service(service.clone());
    let server = builder.bind(&place).unwrap().start().unwrap();
    let stub = ServerReflectionStub::new(Channel::in_process(&place));
    let mut silent: Vec<_> = (0..16 * REFLECTION_WORKERS)
        .map(|_| {
            let mut questions = stub.server_reflection_info(()).unwrap();
            ask_for(&mut questions, "a.proto");
            expect_answer_about(&mut questions, "a.proto");
            questions
        })
        .collect();
    let mut another = stub.server_reflection_info(()).unwrap();
    ask_for(&mut another, "b.proto");
    expect_answer_about(&mut another, "b.proto");
    assert_eq!(open(&service), silent.len() + 1);
    for questions in &mut silent {
        ask_for(questions, "b.proto");
    }
    for questions in &mut silent {
        expect_answer_about(questions, "b.proto");
    }
    another.close_send();
    assert_eq!(another.recv().unwrap(), None);
    drop(silent);
    until(|| open(&service) == 0);
    server.stop(Duration::ZERO);
}

/// A question with names longer than any is refused, and others go on.
#[test]
fn a_question_of_endless_names_is_refused() {
    let place = InProcess::new();
    let server = Server::builder().add_service(service()).bind(&place).unwrap();
    let server = server.start().unwrap();
    let stub = ServerReflectionStub::new(Channel::in_process(&place));
    let mut long = stub.server_reflection_info(()).unwrap();
    ask_for(&mut long, &"a".repeat(REFLECTION_QUESTION_SIZE_MAX));
    let status = long.recv().unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().starts_with("expected a question of at most 4096 bytes, got"));
    let mut another = stub.server_reflection_info(()).unwrap();
    for _ in 0..2 * REFLECTION_ANSWERS_MAX {
        ask_for(&mut another, "b.proto");
    }
    for _ in 0..2 * REFLECTION_ANSWERS_MAX {
        expect_answer_about(&mut another, "b.proto");
    }
    server.stop(Duration::ZERO);
}

/// A client may ask ahead and read late: answers that it does not take yet wait, in order, and no
/// worker waits with them.
#[test]
fn a_client_that_reads_late_gets_every_answer() {
    let service = service();
    let place = InProcess::new();
    let server = Server::builder().add_service(service.clone()).bind(&place).unwrap();
    let server = server.start().unwrap();
    let channel = Channel::in_process_builder(&place).initial_stream_window_size(100);
    let stub = ServerReflectionStub::new(channel.build().unwrap());
    let mut late: Vec<_> = (0..2 * REFLECTION_WORKERS)
        .map(|_| {
            let mut questions = stub.server_reflection_info(()).unwrap();
            (0..20).for_each(|number| ask_for(&mut questions, &format!("{number}.proto")));
            questions.close_send();
            questions
        })
        .collect();
    until(|| open(&service) == late.len());
    for questions in &mut late {
        (0..20).for_each(|number| expect_answer_about(questions, &format!("{number}.proto")));
        assert_eq!(questions.recv().unwrap(), None);
    }
    until(|| open(&service) == 0);
    server.stop(Duration::ZERO);
}

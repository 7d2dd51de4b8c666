//! One client's questions and their answers, which hold no thread while the client is silent.
//!
//! The invariant: a conversation is at work on one thread, or a waker is left with its call that will
//! have it go on, or it is over. The next question is read once the answer before it is on its way.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use super::service::Answers;
use super::v1::{ServerReflectionRequest, ServerReflectionResponse};
use crate::grpc::{Received, Status};
use crate::limits::{REFLECTION_ANSWERS_MAX, REFLECTION_QUESTION_SIZE_MAX, REFLECTION_STREAMS_MAX};
use crate::message::Message;
use crate::server::{DetachedSink, ReplySink, RequestStream};
use crate::transport::callbacks::run_answer;
use crate::transport::lock;

/// A conversation with a client; nothing once it is over.
pub(super) struct Conversation(Mutex<Option<Talk>>);

struct Talk {
    requests: RequestStream<ServerReflectionRequest>,
    replies: DetachedSink<ServerReflectionResponse>,
    /// The client does not take its answer yet, which is made again then: it may be large.
    asked: Option<ServerReflectionRequest>,
    counted: Counted,
}

/// One of the conversations that a service has.
struct Counted(Arc<Answers>);

impl Conversation {
    /// Takes the call out of its method, and answers what has come of it.
    ///
    /// # Errors
    ///
    /// RESOURCE_EXHAUSTED if there are as many conversations as may be.
    pub(super) fn begin(
        answers: &Arc<Answers>,
        requests: &mut RequestStream<ServerReflectionRequest>,
        replies: &mut ReplySink<ServerReflectionResponse>,
    ) -> Result<(), Status> {
        let counted = Counted::new(answers)?;
        let (requests, replies) = (requests.detach(), replies.detach());
        let talk = Talk { requests, replies, asked: None, counted };
        Arc::new(Self(Mutex::new(Some(talk)))).go_on();
        Ok(())
    }

    /// Answers what has come, and leaves a waker for what comes next.
    fn go_on(self: &Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut place = lock(&self.0);
        let Some(talk) = &mut *place else { return };
        match talk.go_on(&waker) {
            Next::Wait => {}
            Next::More => {
                drop(place);
                waker.wake();
            }
            Next::Over(outcome) => {
                let talk = place.take();
                drop(place);
                talk.into_iter().for_each(|talk| talk.replies.finish(outcome.clone()));
            }
        }
    }
}

impl Wake for Conversation {
    fn wake(self: Arc<Self>) {
        let conversation = self.clone();
        // Whoever wakes is the reader of a connection or the timer, which answer nothing.
        if run_answer(move || conversation.go_on()) {
            return;
        }
        let talk = lock(&self.0).take();
        if let Some(talk) = talk {
            let busy = Status::resource_exhausted("too many questions wait for an answer");
            talk.replies.finish(Err(busy));
        }
    }
}

/// How a conversation goes on.
enum Next {
    /// When the waker is woken.
    Wait,
    /// At once, but others come first.
    More,
    Over(Result<(), Status>),
}

impl Talk {
    /// Does what can be done without waiting, for a few questions at most.
    fn go_on(&mut self, waker: &Waker) -> Next {
        for _ in 0..REFLECTION_ANSWERS_MAX {
            if let Some(question) = &self.asked {
                match self.replies.try_send(self.counted.0.answer(question)) {
                    Ok(true) => self.asked = None,
                    Ok(false) if self.replies.watch_writable(waker) => continue,
                    Ok(false) => return Next::Wait,
                    Err(status) => return Next::Over(Err(status)),
                }
            }
            match self.requests.try_recv() {
                Ok(Received::Message(question)) => match question.encoded_len() {
                    0..=REFLECTION_QUESTION_SIZE_MAX => self.asked = Some(question),
                    size => return Next::Over(Err(too_long(size))),
                },
                Ok(Received::NotYet) if self.requests.watch(waker) => {}
                Ok(Received::NotYet) => return Next::Wait,
                Ok(Received::End) => return Next::Over(Ok(())),
                Err(status) => return Next::Over(Err(status)),
            }
        }
        Next::More
    }
}

fn too_long(size: usize) -> Status {
    let expected = format!("expected a question of at most {REFLECTION_QUESTION_SIZE_MAX} bytes");
    Status::resource_exhausted(format!("{expected}, got one of {size}"))
}

impl Counted {
    fn new(answers: &Arc<Answers>) -> Result<Self, Status> {
        // Taken back by the drop, whatever follows.
        let counted = Self(answers.clone());
        match answers.open().fetch_add(1, Ordering::Relaxed) < REFLECTION_STREAMS_MAX {
            true => Ok(counted),
            false => Err(Status::resource_exhausted(format!(
                "{REFLECTION_STREAMS_MAX} calls ask this server's reflection already"
            ))),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open().fetch_sub(1, Ordering::Relaxed);
    }
}

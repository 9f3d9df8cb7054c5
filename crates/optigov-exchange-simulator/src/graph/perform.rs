//! From one request to Graph, alone or in a batch, to its answer.

use std::io;

use http::{HeaderName, StatusCode};
use serde_json::Value;

use super::call::Call;
use super::error::GraphError;
use super::preferences::Preferences;
use super::target::{Resource, Target};
use super::{Ids, access, calendar, calendar_view, get_schedule};
use crate::exchange::{Connection, closed};
use crate::misbehaviour::{Instead, Manner, Plan};
use crate::scenario::HttpAnswer;
use crate::world::World;

/// What is answered.
#[derive(Debug)]
pub(super) enum Performed {
    /// Something that is not Graph's.
    Http(HttpAnswer),
    Answer {
        status: StatusCode,
        headers: Vec<(HeaderName, String)>,
        text: String,
        plan: Box<Plan>,
    },
}

/// A request that is about to be answered.
pub(super) struct Request<'a> {
    pub(super) world: &'a World,
    pub(super) application: usize,
    /// Scheme, host and port by which the simulator was reached.
    pub(super) base: &'a str,
    pub(super) call: &'a Call,
    pub(super) target: &'a Target,
    pub(super) preferences: Preferences,
    pub(super) manner: &'a Manner,
}

impl Connection {
    /// Answers one request of an application.
    ///
    /// # Errors
    /// The connection shall end without an answer.
    pub(super) async fn perform(
        &self,
        world: &World,
        application: usize,
        base: &str,
        call: &Call,
        ids: &Ids,
    ) -> io::Result<Performed> {
        let target = match Target::parse(call) {
            Ok(target) => target,
            Err(error) => return Ok(error.performed(ids)),
        };
        let mailbox = target.mailbox(world);
        let mut named = vec![mailbox.clone()];
        if matches!(target.resource, Resource::GetSchedule(_)) {
            named.extend(get_schedule::schedules(call));
        }
        let mut plan = world.plan(target.operation(), &named);
        let running = self.exchange.graph.concurrency.enter(&mailbox);
        let throttling = &world.scenario.throttling;
        let admitted = world.usage.admit(throttling);
        if !plan.delay.is_zero() {
            tokio::time::sleep(plan.delay).await;
        }
        let refused = match plan.instead.take() {
            Some(Instead::Hang) => std::future::pending().await,
            Some(Instead::Reset) => return Err(self.reset()),
            Some(Instead::Close) => return Err(closed()),
            Some(Instead::Http(answer)) => return Ok(Performed::Http(answer)),
            instead => instead.and_then(Instead::graph_error),
        };
        if let Some(error) = refused {
            return Ok(error.performed_with(ids, plan));
        }
        let Some(_in_flight) = admitted else {
            return Ok(GraphError::throttled(throttling.shape, throttling.back_off).performed_with(ids, plan));
        };
        if running.others >= world.scenario.mailbox_concurrency {
            let text = "Application is over its MailboxConcurrency limit.";
            let seconds = throttling.back_off.map_or(1, |back_off| back_off.as_millis().div_ceil(1000));
            let error = GraphError::new(429, "ApplicationThrottled", text).retry_after(Some(seconds.to_string()));
            return Ok(error.performed_with(ids, plan));
        }
        let answer = Preferences::parse(&call.headers).and_then(|preferences| {
            let manner = &plan.manner;
            answer(&Request { world, application, base, call, target: &target, preferences, manner })
        });
        Ok(match answer {
            Ok(value) => {
                let status = super::status(plan.success_status.unwrap_or(200));
                Performed::Answer { status, headers: Vec::new(), text: value.to_string(), plan: Box::new(plan) }
            }
            Err(error) => error.performed_with(ids, plan),
        })
    }
}

fn answer(request: &Request<'_>) -> Result<Value, GraphError> {
    if request.target.resource == Resource::User {
        let text = "Insufficient privileges to complete the operation.";
        return Err(GraphError::new(403, "Authorization_RequestDenied", text));
    }
    let mailbox = access::open(request.world, request.application, &request.target.user)?;
    match &request.target.resource {
        Resource::User | Resource::Calendars => calendar::all(request, mailbox),
        Resource::Calendar(id) => calendar::one(request, mailbox, id.as_deref()),
        Resource::CalendarView(id) => calendar_view::answer(request, mailbox, id.as_deref()),
        Resource::GetSchedule(id) => get_schedule::answer(request, mailbox, id.as_deref()),
    }
}

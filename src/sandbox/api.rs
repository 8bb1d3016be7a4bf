//! The provider's API: one request in, one reply out. The shapes are those of the public
//! documentation; `docs/SANDBOX.md` says which parts are guesses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};

use super::body::Body;
use super::fault::Call;
use super::fault_reply;
use super::key::{Issued, KeyKind};
use super::scope::Scope;
use super::tenant::{KeyState, Reach, Tenant};
use super::uuid::{Of, Uuid};
use super::view::{client_id, subject_urn};
use super::world::World;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// What to do with a request.
pub(super) enum Reply {
    /// Answer it.
    Answer(Response<Body>),
    /// Never answer it.
    Hang,
    /// Reset the connection.
    Reset,
}

/// Counts a request, holds it back as long as the latency says, and finds the reply.
pub(super) async fn reply<B>(world: &World, request: Request<B>) -> Reply {
    let call = call(request.uri().path());
    let issued = presented(world, request.headers());
    let caller = issued.map(|issued| issued.number);
    world.counters().asked(call, caller);
    let latency = world.latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let reply = match world.meet(caller, call) {
        Some(fault) => fault_reply::reply(&fault, call, world.now(), request.uri(), || {
            answer(world, call, issued, &request)
        }),
        None => Reply::Answer(answer(world, call, issued, &request)),
    };
    if let Reply::Answer(answer) = &reply {
        world.counters().answered(answer.status());
    }
    reply
}

/// An answer with a JSON body.
pub(super) fn json(status: StatusCode, body: impl Into<bytes::Bytes>) -> Response<Body> {
    let mut answer = Response::new(Body::Whole(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}

/// A refusal. The real bodies are not published; this is a small JSON object.
pub(super) fn refusal(status: StatusCode) -> Response<Body> {
    let body = match status {
        StatusCode::BAD_REQUEST => r#"{"error":{"type":"BAD_REQUEST"}}"#,
        StatusCode::UNAUTHORIZED => r#"{"error":{"type":"UNAUTHORIZED"}}"#,
        StatusCode::FORBIDDEN => r#"{"error":{"type":"FORBIDDEN"}}"#,
        StatusCode::NOT_FOUND => r#"{"error":{"type":"NOT_FOUND"}}"#,
        StatusCode::METHOD_NOT_ALLOWED => r#"{"error":{"type":"METHOD_NOT_ALLOWED"}}"#,
        StatusCode::TOO_MANY_REQUESTS => r#"{"error":{"type":"TOO_MANY_REQUESTS"}}"#,
        _ => r#"{"error":{"type":"FAULT"}}"#,
    };
    json(status, body)
}

fn call(path: &str) -> Call {
    match path {
        "/v1/introspect" => Call::Introspect,
        "/v1/installations/me" => Call::Installation,
        _ if company_in(path).is_some() => Call::Company,
        _ => Call::Other,
    }
}

fn company_in(path: &str) -> Option<&str> {
    path.strip_prefix("/v1/companies/").filter(|id| !id.is_empty() && !id.contains('/'))
}

/// The key of `Basic base64("KEY:")`, if the seed made it for anybody, at any time.
fn presented(world: &World, headers: &HeaderMap) -> Option<Issued> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, coded) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let mut plain = [0; 96];
    let length = STANDARD.decode_slice(coded, &mut plain).ok()?;
    world.read_key(plain[..length].strip_suffix(b":")?)
}

fn answer<B>(
    world: &World,
    call: Call,
    issued: Option<Issued>,
    request: &Request<B>,
) -> Response<Body> {
    if call == Call::Other {
        return refusal(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::GET {
        let mut answer = refusal(StatusCode::METHOD_NOT_ALLOWED);
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return answer;
    }
    let accepted = issued.and_then(|issued| {
        let tenant = world.look(issued.number)?;
        let current = tenant.generation == issued.generation && tenant.key == KeyState::Works;
        current.then_some((issued.number, tenant))
    });
    let Some((number, tenant)) = accepted else {
        return refusal(StatusCode::UNAUTHORIZED);
    };
    match call {
        Call::Introspect => introspect(world, number, tenant),
        Call::Installation => installation(world, number, tenant, request.uri().query()),
        Call::Company | Call::Other => company(world, number, tenant, request.uri().path()),
    }
}

fn introspect(world: &World, number: u32, tenant: Tenant) -> Response<Body> {
    let application = match KeyKind::of(number) {
        KeyKind::Integrated => r#""applicationName":"Sandbox ERP","#,
        KeyKind::Standalone => "",
    };
    let (client, scopes) = (client_id(world, number, tenant), tenant.scopes);
    let subject = subject_urn(world, number, tenant);
    let body = format!(
        r#"{{"data":{{"authMethod":"API_KEY","clientId":"{client}","scope":"{scopes}",{application}"subjectURN":"{subject}"}}}}"#
    );
    json(StatusCode::OK, body)
}

fn installation(world: &World, number: u32, tenant: Tenant, query: Option<&str>) -> Response<Body> {
    let asked = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix("company_id="));
    let resource = match asked.map(|id| reachable(world, number, tenant, id)) {
        None => subject_urn(world, number, tenant),
        Some(Ok(company)) => format!("urn:pleo:company:{company}"),
        Some(Err(status)) => return refusal(status),
    };
    let Some(status) = tenant.installation.word() else {
        return refusal(StatusCode::NOT_FOUND);
    };
    let error =
        tenant.error.map(|error| format!(r#","errorCode":"{}""#, error.word())).unwrap_or_default();
    let id = world.uuid(Of::Installation, number);
    let application = world.uuid(Of::Application, u32::from(tenant.other_client));
    let body = format!(
        r#"{{"id":"{id}","applicationId":"{application}","resource":"{resource}","status":"{status}","metadata":{{}},"createdAt":"2026-01-12T08:30:00.000Z","updatedAt":"2026-01-12T08:30:00.000Z"{error}}}"#
    );
    json(StatusCode::OK, body)
}

fn company(world: &World, number: u32, tenant: Tenant, path: &str) -> Response<Body> {
    let id = company_in(path).unwrap_or_default();
    let company = match reachable(world, number, tenant, id) {
        Ok(company) if tenant.scopes.has(Scope::COMPANIES_READ) => world.company_view(company),
        Ok(_) => return refusal(StatusCode::FORBIDDEN),
        Err(status) => return refusal(status),
    };
    let body = format!(r#"{{"data":{{"id":"{}","name":"{}"}}}}"#, company.id, company.name);
    json(StatusCode::OK, body)
}

/// The company, if the key reaches it: 400 for what is no id, 403 for anybody else's.
fn reachable(world: &World, number: u32, tenant: Tenant, id: &str) -> Result<Uuid, StatusCode> {
    let id = Uuid::parse(id).ok_or(StatusCode::BAD_REQUEST)?;
    let inside = match tenant.reach {
        Reach::Company | Reach::Organisation => id == world.company_of(number, tenant),
        Reach::ForeignOrganisation => false,
    };
    if inside { Ok(id) } else { Err(StatusCode::FORBIDDEN) }
}

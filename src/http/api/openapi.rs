//! The description of the API, made from the code, and the viewer: all of it from this program, and
//! nothing from anybody else.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::path::{HttpMethod, Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder,
    SecurityRequirement,
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::role::{Role, deed_of};

/// Where the description is served.
const PATH: &str = "/api/openapi.json";

/// What stands at the head of the description.
pub fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("keypulse")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The private API of keypulse. Errors are problem details (RFC 9457); docs/API.md lists \
             every type, and which role may do what. A key goes in and never comes out.",
        ))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// The whole description.
pub fn document() -> OpenApi {
    let (_, mut api) = super::routes().split_for_parts();
    let components = api.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("kp_…")
        .description(Some("A token made by `keypulse token new`"))
        .build();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    api.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    for (path, item) in &mut api.paths.paths {
        let operations = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Patch, &mut item.patch),
            (HttpMethod::Delete, &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                complete(path, &method, operation);
            }
        }
    }
    api
}

/// What is true of every route: who may use it, and what it answers when it does not do it.
fn complete(path: &str, method: &HttpMethod, operation: &mut Operation) {
    let (name, writes) = match method {
        HttpMethod::Get => ("GET", false),
        HttpMethod::Post => ("POST", true),
        HttpMethod::Put => ("PUT", true),
        HttpMethod::Delete => ("DELETE", true),
        _ => ("PATCH", true),
    };
    let method: Method = name.parse().unwrap_or_default();
    if let Some(deed) = deed_of(&method, path) {
        let roles: Vec<_> = deed.roles().iter().map(|role| Role::word(*role)).collect();
        let text = operation.description.take().unwrap_or_default();
        let text = format!("{text}\n\nFor these roles: {}.", roles.join(", "));
        operation.description = Some(text.trim().to_owned());
    }
    let mut answers = vec![
        ("400", "The request cannot be read"),
        ("401", "No token, or none that is taken"),
        ("403", "The role of the token may not do this"),
        ("408", "The body came too slowly"),
        ("413", "The body is too long"),
        ("429", "Too many requests: wait as `Retry-After` says"),
        ("500", "keypulse has failed"),
        ("503", "The database, or the provider, gives no answer now"),
    ];
    if path.contains('{') {
        answers.push(("404", "There is no such tenant"));
    }
    if writes {
        answers.push(("409", "The same request is under way, or it cannot be done now"));
        answers.push(("415", "The body is not said to be JSON"));
        answers.push(("422", "A value is not allowed, or the key was not taken"));
        let schema =
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).min_length(Some(1));
        let header = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .description(Some(
                "A name of your own for this request, such as a UUID: a repetition within 24 hours \
                 gets the first answer again",
            ))
            .schema(Some(schema.max_length(Some(255)).pattern(Some("^[!-~]{1,255}$"))))
            .build();
        operation.parameters.get_or_insert_default().push(header.into());
    }
    // What is done to one tenant is said by the path; the body may add to it.
    if method == Method::POST
        && path.contains('{')
        && !["/acknowledge", "/rebind", "/erase"].iter().any(|end| path.ends_with(end))
        && let Some(RefOr::T(body)) = &mut operation.request_body
    {
        body.required = Some(Required::False);
    }
    for (status, text) in answers {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let answer =
            ResponseBuilder::new().description(text).content("application/problem+json", problem);
        let known = &mut operation.responses.responses;
        known.entry(status.to_owned()).or_insert_with(|| answer.build().into());
    }
}

/// The description and the viewer. They hold nothing that the source does not, and need no token.
pub fn pages() -> Router {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| document().to_pretty_json().unwrap_or_default());
    let text = || async { ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()) };
    // Without a validator: by itself the viewer would show this file to a public one.
    let config = Config::from(PATH).validator_url("none");
    let viewer: Router = SwaggerUi::new("/api/docs").config(config).into();
    Router::new().route(PATH, get(text)).merge(viewer.layer(map_response(from_here_only)))
}

async fn from_here_only(response: Response) -> Response {
    let mut response = response.into_response();
    // The viewer writes its styles into the page, and nothing else.
    let policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let value = HeaderValue::from_static(policy);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, value);
    response
}

//! `POST /api/v1/quality`: quality forms, as far as the vendor has published them.

use actix_web::{
    HttpRequest,
    web::{Payload, ThinData},
};
use serde::Deserialize;

use crate::{
    http::{
        auth::Bearer,
        failure::Failure,
        request_body::{self, ADMIN_LIMIT},
        responses::Json,
        state::State,
    },
    survey::{
        access::Role,
        ids::FormId,
        model::{Form, Question},
    },
};

/// A form as the vendor's call has it. The id is chosen: without one a form is created, with one it is updated.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FormRequest {
    id: Option<i64>,
    binary_question: Option<bool>,
    question: Option<QuestionRequest>,
    required_message_count: Option<i64>,
    sending_frequency: Option<i64>,
    hide_after: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QuestionRequest {
    min_value: Option<i64>,
    max_value: Option<i64>,
    kpi: Option<f64>,
    text: Option<String>,
    display_text: Option<String>,
}

impl FormRequest {
    fn into_form(self) -> (Option<i64>, Form) {
        let question = self.question.map(|asked| Question {
            min_value: asked.min_value,
            max_value: asked.max_value,
            kpi: asked.kpi,
            text: asked.text,
            display_text: asked.display_text,
        });
        let form = Form {
            id: FormId(0),
            name: String::new(),
            binary_question: self.binary_question,
            question,
            required_message_count: self.required_message_count,
            sending_frequency: self.sending_frequency,
            hide_after: self.hide_after,
            channels: Vec::new(),
        };
        (self.id, form)
    }
}

/// `POST /api/v1/quality`: creates a form, or updates it.
///
/// Source: "Create quality survey". Chosen: the answer is the form with its id, and a new form is enabled for no channel.
pub(crate) async fn put_form(
    request: HttpRequest,
    payload: Payload,
    ThinData(app): State,
) -> Result<Json<Form>, Failure> {
    let store = Bearer::of(&request, &app)?.authorize(&request, Role::INTEGRATORS).await?;
    let body = request_body::read(&request, payload, ADMIN_LIMIT, &app).await?;
    let (id, form) = body.parse::<FormRequest>()?.into_form();
    Ok(Json::ok(store.put_form_by_question(id, form).await?))
}

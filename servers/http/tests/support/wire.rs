//! Responses as a careful client reads them.

/// A response that came over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_interim(&self) -> bool {
        self.status < 200
    }
}

/// Reads all responses in `output`, the methods of their requests given in order.
///
/// # Errors
///
/// The first rule that a response breaks.
pub(crate) fn answers(mut output: &[u8], methods: &[String], http10: bool) -> Result<Vec<Answer>, String> {
    let mut answers: Vec<Answer> = Vec::new();
    while !output.is_empty() {
        let finals = answers.iter().filter(|answer| !answer.is_interim()).count();
        let is_head = methods.get(finals).is_some_and(|method| method == "HEAD");
        let mut slots = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Response::new(&mut slots);
        let httparse::Status::Complete(len) =
            parsed.parse(output).map_err(|e| format!("unreadable response: {e}"))?
        else {
            return Err(format!("incomplete head: {:?}", String::from_utf8_lossy(output)));
        };
        let (Some(1), Some(status)) = (parsed.version, parsed.code) else {
            return Err("version is not 1.1".into());
        };
        let fields =
            parsed.headers.iter().map(|f| (f.name.into(), String::from_utf8_lossy(f.value).into())).collect();
        let mut answer = Answer { status, fields, body: Vec::new() };
        check(&answer, http10)?;
        output = &output[len..];
        if !(is_head || answer.is_interim() || matches!(status, 204 | 304)) {
            let length = answer.field("content-length").ok_or("no Content-Length")?;
            let length: usize = length.parse().map_err(|_| format!("bad Content-Length {length:?}"))?;
            answer.body = output.get(..length).ok_or("incomplete body")?.to_vec();
            output = &output[length..];
        }
        answers.push(answer);
    }
    Ok(answers)
}

fn check(answer: &Answer, http10: bool) -> Result<(), String> {
    let count = |name: &str| {
        answer.fields.iter().filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).count()
    };
    let (lengths, codings) = (count("content-length"), count("transfer-encoding"));
    let rules = [
        (lengths <= 1, "more than one Content-Length"),
        (codings == 0, "a Transfer-Encoding, which this core never sends"),
        (
            !(answer.is_interim() || answer.status == 204) || lengths == 0,
            "a length on an answer without a body",
        ),
        (!(answer.is_interim() && http10), "an interim answer to HTTP/1.0"),
        (answer.is_interim() || count("date") == 1, "not exactly one Date"),
    ];
    rules.iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, rule)| Err(format!("{rule}: {answer:?}")))
}

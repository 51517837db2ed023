//! A real browser for the tests of the page, driven through chromedriver.

#![allow(dead_code, reason = "each file of tests uses its part")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fantoccini::wd::{Capabilities, PrintConfiguration, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use url::{ParseError, Url};

/// A headless browser with one window. A command that fails is a failure of the test.
pub(crate) struct Browser {
    /// Absent only while the browser ends.
    client: Option<Client>,
    runtime: Runtime,
    /// Dropped last.
    _driver: Driver,
}

/// The properties of a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Width in pixels.
    pub width: u32,
    /// Whether the user prefers dark pages.
    pub dark: bool,
    /// Whether scripts run.
    pub scripts: bool,
}

/// chromedriver, which is killed when the value is dropped.
struct Driver(Child);

impl Browser {
    /// Starts a browser; `None` when this machine has no chromedriver.
    pub(crate) fn start(window: Window) -> Option<Self> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map(Driver)
            .ok()?;
        let port: u16 = BufReader::new(driver.0.stdout.take().expect("piped"))
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
            })
            .expect("chromedriver tells its port");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let address = format!("http://127.0.0.1:{port}");
        let client = runtime.block_on(async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities(window)).connect(&address).await
        });
        Some(Browser { client: Some(client.expect("a session")), runtime, _driver: driver })
    }

    /// Opens a file.
    pub(crate) fn open(&self, file: &Path) {
        self.visit(&format!("file://{}", file.display()));
    }

    /// Opens an address.
    pub(crate) fn visit(&self, address: &str) {
        self.runtime.block_on(self.client().goto(address)).expect("the page opens");
    }

    /// Runs a script in the page and returns its result.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.runtime.block_on(self.client().execute(script, Vec::new())).expect("the script runs")
    }

    /// What the browser wrote to its console.
    pub(crate) fn console(&self) -> Vec<String> {
        let lines = self.runtime.block_on(self.client().issue_cmd(ConsoleLog)).expect("a log");
        lines.as_array().into_iter().flatten().map(|line| line["message"].to_string()).collect()
    }

    /// Visible text of the page.
    pub(crate) fn text(&self) -> String {
        self.runtime.block_on(async {
            let body = self.client().find(Locator::Css("body")).await.expect("a body");
            body.text().await.expect("its text")
        })
    }

    /// Makes the window this large, however small that is.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", size);
    }

    /// Lets the page believe that it is shown on this medium, to somebody with these preferences.
    pub(crate) fn emulate(&self, features: &[(&str, &str)], media: &str) {
        let features: Vec<Value> =
            features.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        self.tell("Emulation.setEmulatedMedia", json!({ "media": media, "features": features }));
    }

    /// The page on paper, as PDF, with what browsers print unless they are told otherwise.
    pub(crate) fn print(&self) -> Vec<u8> {
        let paper = PrintConfiguration::builder().background(false).build().expect("a configuration");
        self.runtime.block_on(self.client().print(paper)).expect("the page is printed")
    }

    /// Tells the browser something that only its own protocol knows.
    fn tell(&self, command: &'static str, parameters: Value) {
        self.runtime.block_on(self.client().issue_cmd(Tell(command, parameters))).expect("it is told");
    }

    fn client(&self) -> &Client {
        self.client.as_ref().expect("the browser runs")
    }
}

fn capabilities(window: Window) -> Capabilities {
    let mut arguments = vec![
        "--headless".to_string(),
        "--no-sandbox".into(),
        "--disable-gpu".into(),
        "--disable-quic".into(),
        "--no-first-run".into(),
        "--disable-background-networking".into(),
        "--disable-component-update".into(),
        "--disable-sync".into(),
        "--disable-dev-shm-usage".into(),
        format!("--window-size={},1200", window.width),
    ];
    if window.dark {
        arguments.push("--force-dark-mode".into());
    }
    let mut options = json!({ "args": arguments });
    if !window.scripts {
        options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
    }
    let asked = [("goog:chromeOptions", options), ("goog:loggingPrefs", json!({ "browser": "ALL" }))];
    asked.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// Asks for the lines on the console: a command that chromedriver has in addition to those of the standard.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.expect("a session")))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

/// A command of the browser's own protocol, by the way that chromedriver has for it.
#[derive(Debug)]
struct Tell(&'static str, Value);

impl WebDriverCompatibleCommand for Tell {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.expect("a session")))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "cmd": self.0, "params": self.1 }).to_string()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ending the session ends the browser; killing the driver alone would leave it behind. This runs in failing
        // tests too, so nothing in here may panic.
        if let Some(client) = self.client.take() {
            let _ = self.runtime.block_on(client.close());
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

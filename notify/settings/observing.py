"""What operators see: logs, metrics, traces, the canary, checks of domains, whom to tell."""

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, BaseModel, Field, SecretStr

from notify.settings.values import Seconds, Words


class Observing(BaseModel):
    """See ``docs/settings.md``."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error"
    )
    log_format: Literal["json", "console"] = Field(default="json", description="json or console")
    access_log_level: Literal["debug", "info"] = Field(
        default="debug", description="level of the line per API request; answers of 500 and above: warning"
    )
    alive_file: Path | None = Field(
        default=None, description="a worker touches it every few seconds while it takes tasks"
    )
    metrics_token: SecretStr | None = Field(
        default=None, min_length=16, description="opens `/metrics`, as Bearer token; closed without"
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="where a worker serves its own `/metrics`; 0: nowhere"
    )
    metrics_host: str = Field(default="127.0.0.1", description="address that port is bound to")
    metrics_dir: Path | None = Field(
        default=None, description="directory in which all processes of a machine add up what they count"
    )
    traces_exporter: Literal["none", "otlp", "console"] = Field(
        default="none",
        validation_alias=AliasChoices("NOTIFY_TRACES_EXPORTER", "OTEL_TRACES_EXPORTER"),
        description="where OpenTelemetry spans go; all else by the standard `OTEL_*` variables",
    )
    trace_providers: bool = Field(
        default=False, description="calls of providers carry the trace's `traceparent` header"
    )
    canary_every_s: float = Field(
        default=0.0, ge=0, description="interval of the canary, a rehearsal through every lane; 0: never"
    )
    canary_deadline_s: Seconds = Field(default=60.0, description="a canary that takes longer has failed")
    dns_servers: Words = Field(
        default=(), description="addresses `notify check` asks, `host` or `host:port`; default: the system's"
    )
    dkim_selectors: Words = Field(
        default=(), description="DKIM selectors that `notify check` looks for, comma-separated"
    )
    admin_email: str | None = Field(
        default=None,
        pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$",
        description="is told, once a day, that a send limit holds messages back",
    )

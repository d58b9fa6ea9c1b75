namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>The table of log events.</summary>
public sealed partial class TelemetryReferenceTests
{
    [Fact]
    public void Every_log_event_is_listed_with_its_level_and_fields_and_every_listed_one_exists()
    {
        var listed = Reference
            .Rows("event")
            .Select(row =>
                $"{row.Code("event")} {row["level"]} {row["service"]} "
                + Words(row.Codes("fields"))
                + (row["fields"].EndsWith("and the exception", StringComparison.Ordinal) ? " exception" : "")
            );

        AssertSame(listed, DefinedLogEvent.All.Select(defined => $"{defined}"));
    }

    [Fact]
    public void Every_log_event_that_was_written_is_listed()
    {
        var rows = Reference.Rows("event");
        var written = platform.Telemetry.Logs().Where(log => IsOwn(log.Scope)).ToList();

        Assert.Contains(written, log => log.EventName == "outbox.publish_failed");
        AssertSame(
            [],
            written
                .Where(log =>
                    !rows.Any(row =>
                        row.Code("event") == log.EventName
                        && row["level"] == $"{log.Level}"
                        && Names(row["service"]).Contains(log.Service)
                    )
                )
                .Select(log => $"{log}")
        );
    }
}

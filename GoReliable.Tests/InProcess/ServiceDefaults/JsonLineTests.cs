using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using GoReliable.ServiceDefaults.Logging;
using GoReliable.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GoReliable.Tests.InProcess.ServiceDefaults;

public sealed class JsonLineTests
{
    private readonly JsonLine format = new(
        new ServiceResource(
            new HostingEnvironment { ApplicationName = "GoReliable.Parcels", EnvironmentName = "Production" }
        )
    );

    [Fact]
    public void An_event_is_one_line_with_its_name_its_service_and_its_own_fields()
    {
        var line = Write(
            name: "parcel.sent",
            fields: [("ParcelId", Guid.Empty), ("WeightKg", 1.5), ("Count", 3), ("Fragile", true), ("Note", null)]
        );

        Assert.Equal("INFO", line.GetProperty("severity").GetString());
        Assert.Equal("parcel.sent", line.GetProperty("event").GetString());
        Assert.Equal("parcels", line.GetProperty("service").GetString());
        Assert.Equal("a message", line.GetProperty("message").GetString());
        Assert.Equal("GoReliable.Parcels.Sender", line.GetProperty("logger").GetString());
        Assert.Equal(Guid.Empty, line.GetProperty("parcel_id").GetGuid());
        Assert.Equal(1.5, line.GetProperty("weight_kg").GetDouble());
        Assert.Equal(3, line.GetProperty("count").GetInt32());
        Assert.True(line.GetProperty("fragile").GetBoolean());
        Assert.Equal(JsonValueKind.Null, line.GetProperty("note").ValueKind);
        Assert.False(line.TryGetProperty("{OriginalFormat}", out _));
    }

    [Fact]
    public void The_time_is_RFC_3339_in_UTC()
    {
        var before = DateTimeOffset.UtcNow;
        var text = Write().GetProperty("timestamp").GetString()!;

        Assert.EndsWith("Z", text);
        Assert.InRange(DateTimeOffset.Parse(text, null), before, DateTimeOffset.UtcNow);
    }

    [Theory]
    [InlineData(LogLevel.Trace, "TRACE")]
    [InlineData(LogLevel.Debug, "DEBUG")]
    [InlineData(LogLevel.Warning, "WARN")]
    [InlineData(LogLevel.Error, "ERROR")]
    [InlineData(LogLevel.Critical, "FATAL")]
    public void Severities_are_OpenTelemetrys(LogLevel level, string severity) =>
        Assert.Equal(severity, Write(level).GetProperty("severity").GetString());

    [Fact]
    public void A_line_names_the_span_that_it_was_written_in()
    {
        using (var activity = new Activity("work").Start())
        {
            var line = Write();
            Assert.Equal(activity.TraceId.ToHexString(), line.GetProperty("trace_id").GetString());
            Assert.Equal(activity.SpanId.ToHexString(), line.GetProperty("span_id").GetString());
        }

        Activity.Current = null;
        Assert.False(Write().TryGetProperty("trace_id", out _));
    }

    [Fact]
    public void An_exception_becomes_fields()
    {
        var line = Write(LogLevel.Error, exception: new InvalidOperationException("broken\nin two"));

        Assert.Equal("System.InvalidOperationException", line.GetProperty("exception_type").GetString());
        Assert.Equal("broken\nin two", line.GetProperty("exception_message").GetString());
        Assert.StartsWith(
            "System.InvalidOperationException: broken",
            line.GetProperty("exception_stacktrace").GetString()
        );
    }

    [Fact]
    public void A_field_cannot_replace_one_of_the_formatters_own()
    {
        var line = Write(fields: [("Message", "forged"), ("Service", "forged"), ("TraceId", "forged")]);

        Assert.Equal("a message", line.GetProperty("message").GetString());
        Assert.Equal("parcels", line.GetProperty("service").GetString());
        Assert.Equal("forged", line.GetProperty("trace_id_").GetString());
    }

    [Theory]
    [InlineData("two\nlines\r\n")]
    [InlineData("a \"quote\" and a \\")]
    [InlineData("\u0000\u001b[31m")]
    [InlineData("half a pair: \ud800")]
    public void No_text_breaks_the_line(string text)
    {
        var line = Write(fields: [("Text", text)]);

        Assert.Equal(text.Replace('\ud800', '\ufffd'), line.GetProperty("text").GetString());
    }

    [Fact]
    public void Numbers_that_JSON_does_not_have_become_text()
    {
        var line = Write(fields: [("Ratio", double.NaN), ("Wait", TimeSpan.FromSeconds(1.5))]);

        Assert.Equal("NaN", line.GetProperty("ratio").GetString());
        Assert.Equal("00:00:01.5000000", line.GetProperty("wait").GetString());
    }

    private JsonElement Write(
        LogLevel level = LogLevel.Information,
        string? name = null,
        Exception? exception = null,
        (string Name, object? Value)[]? fields = null
    )
    {
        KeyValuePair<string, object?>[] state =
        [
            .. (fields ?? []).Select(field => KeyValuePair.Create(field.Name, field.Value)),
            new("{OriginalFormat}", "a message"),
        ];
        var text = new ArrayBufferWriter<byte>();
        format.Write(
            new LogEntry<IReadOnlyList<KeyValuePair<string, object?>>>(
                level,
                "GoReliable.Parcels.Sender",
                new EventId(7, name),
                state,
                exception,
                (_, _) => "a message"
            ),
            text
        );

        var line = Encoding.UTF8.GetString(text.WrittenSpan);
        Assert.Equal(line.Length - 1, line.IndexOf('\n'));
        return JsonElement.Parse(line);
    }
}

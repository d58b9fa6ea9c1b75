using System.Collections.Concurrent;
using System.Diagnostics;
using GoReliable.Database;
using GoReliable.Orders.Ordering;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Orders;

public sealed partial class NewOrdersTests
{
    [Fact]
    public async Task A_shared_statement_is_in_the_first_recorded_trace_and_the_others_are_linked_to_it()
    {
        using var source = new ActivitySource("Orders that share a commit");
        var statements = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = heard => heard == source || heard.Name == "Npgsql",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = statements.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        var builder = new NpgsqlDataSourceBuilder(own.ConnectionString);
        DatabaseDefaults.Configure(builder, "orders");
        await using var database = builder.Build();
        var traced = new StatementBatcher(database, Goal, new FakeTimeProvider());
        await using var hold = await HoldAsync();
        var first = await OccupyAsync(traced);

        var waiting = new List<Task<InsertOutcome>>();
        using var unrecorded = new Activity("create order").Start();
        waiting.Add(StoreAsync(traced));
        var spans = new List<Activity>();
        for (var i = 0; i < 3; i++)
        {
            Activity.Current = null;
            spans.Add(source.StartActivity("create order")!);
            waiting.Add(StoreAsync(traced));
        }

        await hold.CommitAsync();
        await Task.WhenAll([first, .. waiting]);
        Assert.Empty(unrecorded.Links);
        Assert.Empty(spans[0].Links);
        Assert.All(spans.Skip(1), span => Assert.Equal(spans[0].Context, Assert.Single(span.Links).Context));

        var statement = await Poll.UntilAsync(
            "the statement's span",
            () => Task.FromResult(statements.SingleOrDefault(span => span.ParentSpanId == spans[0].SpanId)),
            span => span is not null
        );
        Assert.Equal("INSERT order", statement!.DisplayName);
        Assert.Equal(4, statement.GetTagItem("db.operation.batch.size"));
        Assert.Single(statement.GetTagItem("db.query.text")!.ToString()!.Split("-- INSERT order").Skip(1));
    }
}

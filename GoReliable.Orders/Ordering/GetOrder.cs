using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary><c>GET /api/v1/orders/{id}</c>.</summary>
internal sealed class GetOrder(NpgsqlDataSource database, TimeProvider time, ChaosSwitches chaos, Telemetry telemetry)
{
    // Reads are executed one after the other: where that takes longer, more connections are better.
    private readonly StatementBatcher reads = new(database, goal: TimeSpan.FromMilliseconds(50), time);

    public async Task<Results<Ok<Order>, ProblemHttpResult>> HandleAsync(
        Guid id,
        Customer customer,
        CancellationToken cancellationToken
    )
    {
        var order = await FindAsync(id, customer.Id, cancellationToken);
        return order is null ? Problems.NotFound : TypedResults.Ok(order);
    }

    /// <summary>The order, or null if there is none or it is another customer's.</summary>
    public async Task<Order?> FindAsync(Guid id, string customerId, CancellationToken cancellationToken)
    {
        using var query = telemetry.Query("select_order", cancellationToken);
        await chaos.Database.InjectAsync(cancellationToken);
        // A read that was sent is not cancelled, but nobody waits for it any more.
        var order = await reads
            .ExecuteAsync(new SelectOrder(id, customerId), cancellationToken)
            .WaitAsync(cancellationToken);
        query.Succeeded();
        return order;
    }
}

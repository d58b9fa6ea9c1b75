using GoReliable.Database;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>The statement that reads an order, if it is this customer's.</summary>
internal sealed class SelectOrder : BatchedStatement<Order?>
{
    private const string Select = $"""
        -- SELECT order
        SELECT {Order.Columns} FROM orders o WHERE o.id = $1 AND o.customer_id = $2
        """;

    public SelectOrder(Guid id, string customerId)
        : base(Select)
    {
        Command.Parameters.AddValue(id);
        Command.Parameters.AddValue(customerId);
    }

    protected override async Task<Order?> ReadResultAsync(NpgsqlDataReader reader) =>
        await reader.ReadAsync() ? Order.Read(reader) : null;
}

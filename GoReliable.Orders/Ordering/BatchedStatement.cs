using System.Data.Common;
using System.Diagnostics;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>A request's statement that may share its round trip: see <see cref="StatementBatcher"/>.</summary>
internal abstract class BatchedStatement(string sql)
{
    private int state;

    /// <summary>The statement.</summary>
    public NpgsqlBatchCommand Command { get; } = new(sql);

    /// <summary>The span that it belongs to.</summary>
    public Activity? Activity { get; } = Activity.Current;

    /// <summary>Whether its request still waits. From now on it must finish.</summary>
    public bool TryBegin() => Interlocked.CompareExchange(ref state, 1, 0) == 0;

    /// <summary>Reads its result, if it has one, and goes to the next.</summary>
    public abstract Task ReadAsync(NpgsqlDataReader reader);

    /// <summary>Its transaction is committed.</summary>
    public abstract void Succeed();

    /// <summary>It was not executed.</summary>
    public abstract void Refuse(Exception reason);

    /// <summary>It may have been executed, and its transaction failed or did not answer.</summary>
    public abstract void Fail(Exception reason);
}

/// <inheritdoc/>
internal abstract class BatchedStatement<TResult>(string sql) : BatchedStatement(sql)
{
    private readonly TaskCompletionSource<TResult> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TResult? result;
    private Exception? unreadable;

    /// <summary>Ends with its transaction, or when its request has left before it began.</summary>
    public Task<TResult> Completion => completion.Task;

    /// <summary>The client has gone: nothing is executed that nobody waits for, unless it has begun.</summary>
    public void Leave()
    {
        if (TryBegin())
            completion.TrySetCanceled();
    }

    /// <inheritdoc/>
    public sealed override async Task ReadAsync(NpgsqlDataReader reader)
    {
        unreadable = null;
        try
        {
            result = await ReadResultAsync(reader);
        }
        catch (Exception exception) when (exception is not DbException)
        {
            // What one row has in it is no reason to fail the others.
            unreadable = exception;
        }
        if (HasResult)
            await reader.NextResultAsync();
    }

    /// <inheritdoc/>
    public sealed override void Succeed()
    {
        if (unreadable is null)
            completion.SetResult(result!);
        else
            completion.SetException(unreadable);
    }

    /// <inheritdoc/>
    public sealed override void Refuse(Exception reason) => completion.SetException(reason);

    /// <inheritdoc/>
    public override void Fail(Exception reason) => completion.SetException(reason);

    protected virtual bool HasResult => true;

    protected abstract Task<TResult> ReadResultAsync(NpgsqlDataReader reader);
}

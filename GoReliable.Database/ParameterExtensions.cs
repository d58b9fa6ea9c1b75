using Npgsql;

namespace GoReliable.Database;

/// <summary>Parameters of a statement.</summary>
public static class ParameterExtensions
{
    /// <summary>Adds a value as the next of <c>$1</c>, <c>$2</c>, …; its type says how it is sent.</summary>
    public static void AddValue<T>(this NpgsqlParameterCollection all, T value) =>
        all.Add(new NpgsqlParameter<T> { TypedValue = value });
}

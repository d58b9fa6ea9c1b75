using GoReliable.ServiceDefaults.Problems;
using Npgsql;

namespace GoReliable.Tests.InProcess.ServiceDefaults;

/// <summary>Whose fault an error of PostgreSQL is.</summary>
public sealed class DatabaseFailureTests
{
    [Theory]
    [InlineData("22003", false)] // numeric_value_out_of_range
    [InlineData("22P05", false)] // untranslatable_character
    [InlineData("23505", false)] // unique_violation
    [InlineData("23514", false)] // check_violation
    [InlineData("57014", true)] // query_canceled
    [InlineData("57P01", true)] // admin_shutdown
    [InlineData("25006", true)] // read_only_sql_transaction
    [InlineData("28P01", true)] // invalid_password
    [InlineData("40001", true)] // serialization_failure
    [InlineData("42P01", true)] // undefined_table
    [InlineData("53100", true)] // disk_full
    [InlineData("XX000", true)] // internal_error
    [InlineData("ABCDE", true)] // what nobody has heard of
    public void Only_errors_of_its_own_values_are_blamed_on_a_message_or_request(string state, bool isOfTheServer) =>
        Assert.Equal(isOfTheServer, new PostgresException("", "ERROR", "ERROR", state).IsServerFailure());

    [Fact]
    public void A_connection_that_breaks_is_the_servers_fault() =>
        Assert.True(new NpgsqlException("Exception while reading from stream").IsServerFailure());
}

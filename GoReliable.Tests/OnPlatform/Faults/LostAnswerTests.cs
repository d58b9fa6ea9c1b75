using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>The database does what it is told, and its answer is lost.</summary>
[Collection(FaultyPlatformTests.Name)]
public sealed class LostAnswerTests(FaultyPlatform faulty)
{
    [Fact]
    public Task A_client_is_not_invited_to_repeat_an_order_that_may_be_stored() =>
        faulty.RunAsync(async () =>
        {
            using var customer = faulty.Platform.Client("lost-answer");
            await customer.CreateAsync();
            faulty.OrdersToDatabase.LoseAnswers();

            using var response = await customer.PostRawAsync(
                """{"currency":"EUR","items":[{"sku":"unheard","quantity":1,"unitPrice":1.5}]}"""
            );
            faulty.OrdersToDatabase.Cut();
            faulty.OrdersToDatabase.Resume();

            await response.AssertProblemAsync(HttpStatusCode.GatewayTimeout);
            Assert.Null(response.Headers.RetryAfter);
            await using var database = await faulty.Platform.DatabaseAsync("orders-db");
            await using var stored = database.CreateCommand(
                "SELECT count(*) FROM orders WHERE customer_id = 'lost-answer' AND items->0->>'sku' = 'unheard'"
            );
            Assert.Equal(
                1L,
                await Poll.UntilAsync(
                    "the order",
                    () => stored.ExecuteScalarAsync(TestContext.Current.CancellationToken),
                    count => count is 1L
                )
            );
            return true;
        });
}

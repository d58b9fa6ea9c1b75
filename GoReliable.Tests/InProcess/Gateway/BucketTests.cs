using System.Net;
using System.Threading.RateLimiting;
using GoReliable.Gateway.Limits;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

public sealed class BucketTests
{
    [Theory]
    [InlineData("203.0.113.1", "203.0.113.1", true)]
    [InlineData("203.0.113.1", "203.0.113.2", false)]
    [InlineData("203.0.113.1", "::ffff:203.0.113.1", true)]
    [InlineData("2001:db8::1", "2001:db8::ffff:1", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("::", "0.0.0.0", false)]
    public void One_IPv4_address_or_one_IPv6_64_prefix_is_one_client(string one, string other, bool isSame) =>
        Assert.Equal(isSame, ClientNetwork.Of(IPAddress.Parse(one)) == ClientNetwork.Of(IPAddress.Parse(other)));

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(50)]
    [InlineData(1234)]
    [InlineData(1_000_000)]
    public void A_bucket_is_filled_at_its_rate_up_to_ten_times_a_second(int permitsPerSecond)
    {
        var bucket = new RateLimit { PermitsPerSecond = permitsPerSecond, Burst = 7 }.Bucket();

        Assert.Equal(7, bucket.TokenLimit);
        Assert.Equal(
            permitsPerSecond,
            bucket.TokensPerPeriod / bucket.ReplenishmentPeriod.TotalSeconds,
            0.01 * permitsPerSecond
        );
        Assert.InRange(bucket.ReplenishmentPeriod.TotalSeconds, 0.09, 1);
    }

    [Fact]
    public async Task An_unused_bucket_is_removed()
    {
        var made = 0;
        await using var limiter = PartitionedRateLimiter.Create<int, int>(address =>
            RateLimitPartition.GetTokenBucketLimiter(address, _ =>
            {
                Interlocked.Increment(ref made);
                return new RateLimit { PermitsPerSecond = 100, Burst = 10 }.Bucket();
            })
        );
        for (var address = 0; address < 5000; address++)
            Assert.True(limiter.AttemptAcquire(address).IsAcquired);

        // Reading statistics does not count as use. A bucket that was removed is created again by the read.
        await Poll.UntilAsync(
            "buckets made again",
            () =>
            {
                limiter.GetStatistics(0);
                limiter.GetStatistics(4999);
                return Task.FromResult(made);
            },
            count => count >= 5002
        );
    }
}

using System.Net;
using GoReliable.Gateway.Limits;

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
    [InlineData(1234)]
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
}

using System.Text;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching;

public sealed class CacheKeyTests
{
    [Fact]
    public void Texts_are_their_utf8()
    {
        foreach (string key in (string[])["", "key", "Grüße", "\U0001F600", new string('k', 5000)])
        {
            Assert.Equal(Encoding.UTF8.GetBytes(key), BytesOf(key));
        }
    }

    /// <summary>Halves of pairs become the same question mark in UTF-8.</summary>
    [Fact]
    public void Different_keys_have_different_bytes_whatever_they_are()
    {
        string[] keys =
        [
            "\uD800", "\uD801", "\uDC00", "a\uD800", "\uFFFD", "?", "\uD800\uD800", "\uDC00\uD800", "\U00010000",
            new string('k', 65_536), new string('k', 65_537), new string('k', 65_537) + "\uD800", new string('é', 40_000), new string('é', 40_001),
        ];
        Assert.Equal(keys.Length, keys.Select(key => Convert.ToHexString(BytesOf(key))).Distinct().Count());
        Assert.All(keys, key => Assert.InRange(BytesOf(key).Length, 0, 65_536));
    }

    [Fact]
    public void Every_key_finds_its_own_value()
    {
        using var fixture = new CacheFixture();
        string[] keys = ["", "a", "\uD800", "\uD801", "?", new string('k', 65_536), new string('k', 70_000), new string('k', 70_001)];
        for (int i = 0; i < keys.Length; i++)
        {
            fixture.Cache.Set(keys[i], [(byte)i], new());
        }

        for (int i = 0; i < keys.Length; i++)
        {
            Assert.Equal((byte[])[(byte)i], fixture.Cache.Get(keys[i]));
            fixture.Cache.Remove(keys[i]);
            Assert.Null(fixture.Cache.Get(keys[i]));
        }
    }

    /// <summary>Whoever sends long keys must not make the process take three times their length.</summary>
    [Fact]
    public void Key_that_is_too_long_is_not_written_out()
    {
        string key = new('k', 8_000_000);
        BytesOf(new string('k', 70_000));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(33, BytesOf(key).Length);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
    }

    private static byte[] BytesOf(string key)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        return name.Bytes.ToArray();
    }
}

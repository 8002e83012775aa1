using Xunit;

namespace NativeMm.Extensions.Tests.Caching.Redis;

/// <summary>A test with a real server; skipped with a message where there is none.</summary>
internal sealed class RedisFactAttribute : FactAttribute
{
    public RedisFactAttribute()
    {
        if (RedisServer.Path is null)
        {
            Skip = "No Redis is installed (Debian: redis-server).";
        }
    }
}

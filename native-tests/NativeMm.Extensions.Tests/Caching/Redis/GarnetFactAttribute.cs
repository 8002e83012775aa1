using Xunit;

namespace NativeMm.Extensions.Tests.Caching.Redis;

/// <summary>A test with a real Garnet; skipped with a message where there is none. It is too large to be installed for every run of the tests.</summary>
internal sealed class GarnetFactAttribute : FactAttribute
{
    public GarnetFactAttribute()
    {
        if (RedisServer.GarnetPath is null)
        {
            Skip = $"No Garnet is installed (dotnet tool install garnet-server) in the path or by {RedisServer.GarnetVariable}.";
        }
    }
}

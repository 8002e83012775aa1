using System.Globalization;
using NativeMm.Caching;
using NativeMm.Platform;
using NativeMm.Runtime;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Fills a cache with several times its limit, values of lengths that shift at half time, and prints in bytes what the process has more resident than before: at most, and
/// after nine of ten entries were removed and passes had the time to give back; then what the cache itself says at that moment. Argument: the limit.
/// </summary>
internal static class CacheResidentScenario
{
    private const int Rounds = 40;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    public static int Run(string[] arguments)
    {
        long limit = long.Parse(arguments[0], CultureInfo.InvariantCulture);
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = (ulong)(4 * limit) });
        using (var first = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = NativeCacheOptions.SizeLimitMin }))
        {
            Fill(first, 1000, 1000, 0);
        }

        if (!ProcessMemory.ReadUsage(out ProcessMemoryUsage before).Succeeded)
        {
            return 3;
        }

        using var cache = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = limit });
        ulong most = 0;
        for (int round = 0; round < Rounds; round++)
        {
            int longest = round < Rounds / 2 ? 1000 : 60_000;
            Fill(cache, (int)(limit / 10 / (longest / 2)), longest, round << 24);
            _ = ProcessMemory.ReadUsage(out ProcessMemoryUsage now);
            most = ulong.Max(most, now.Resident - ulong.Min(now.Resident, before.Resident));
        }

        cache.Trim(0.9);
        long end = Environment.TickCount64 + (long)s_patience.TotalMilliseconds;
        ulong left = ulong.MaxValue;
        while (Environment.TickCount64 < end && left > (ulong)(limit / 5))
        {
            Thread.Sleep(100);
            _ = ProcessMemory.ReadUsage(out ProcessMemoryUsage now);
            left = now.Resident - ulong.Min(now.Resident, before.Resident);
        }

        Console.Out.WriteLine($"{most} {left} {cache.GetStatistics().UsedBytes}");
        return 0;
    }

    private static void Fill(NativeCache cache, int count, int longest, int first)
    {
        Span<byte> value = stackalloc byte[longest];
        Span<byte> key = stackalloc byte[sizeof(int)];
        for (int i = 0; i < count; i++)
        {
            BitConverter.TryWriteBytes(key, first + i);
            Span<byte> part = value[..(i * 7919 % longest)];
            part.Fill((byte)i);
            cache.Set(key, part);
        }
    }
}

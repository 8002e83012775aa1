using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Faulty.Vmap;

/// <summary>What happens when the system has fewer mappings than the options allow.</summary>
public sealed unsafe class MappingBudgetTests
{
    private const int PagesOfMap = 16;

    [LinuxFact]
    public void After_a_refusal_a_reserve_of_mappings_is_left_to_the_rest_of_the_process()
    {
        using var bench = new Bench();
        nint[] maps = bench.Map(40);
        long inUse = bench.InUse;
        long reserves = bench.Platform.Calls(PlatformCall.Release);
        bench.RefuseOneMap();
        Assert.Equal(reserves + 1, bench.Platform.Calls(PlatformCall.Release));

        // The map that failed counted while it was made.
        long limit = bench.Vmap.GetStatistics().MappingsMax;
        Assert.InRange(limit, inUse - MappingReserve.Mappings, inUse - MappingReserve.Mappings + (2 * PagesOfMap));
        Assert.Throws<OutOfMemoryException>(() => bench.MapOne());
        bench.Vmap.Validate();

        // Only when so many came back that the reserve can be taken from them is everything as before.
        bench.Unmap(maps.AsSpan(0, 10));
        bench.MapOne();
        Assert.Equal(limit, bench.Vmap.GetStatistics().MappingsMax);
        bench.Unmap(maps.AsSpan(10, 10));
        bench.MapOne();
        Assert.Equal(Bench.MappingsMax, bench.Vmap.GetStatistics().MappingsMax);
        bench.Vmap.Validate();
    }

    [LinuxFact]
    public void While_the_reserve_cannot_be_taken_again_the_limit_stays()
    {
        using var bench = new Bench();
        nint[] maps = bench.Map(40);
        bench.RefuseOneMap();
        long limit = bench.Vmap.GetStatistics().MappingsMax;
        bench.Unmap(maps.AsSpan(0, 30));
        bench.Platform.FailCall(MappingReserve.Mappings / 2, kind: PlatformCall.Protect);
        bench.MapOne();
        Assert.Equal(limit, bench.Vmap.GetStatistics().MappingsMax);
        Assert.Equal(1, bench.Platform.Failures - bench.FailuresBefore);
        bench.MapOne();
        Assert.Equal(Bench.MappingsMax, bench.Vmap.GetStatistics().MappingsMax);
    }

    [LinuxFact]
    public void Another_error_than_full_tables_leaves_the_limit_alone()
    {
        using var bench = new Bench();
        bench.Platform.FailCall(1, ErrorNumber.Invalid, PlatformCall.MapFile, times: 10);
        Assert.Throws<OutOfMemoryException>(() => bench.MapOne());
        bench.Platform.FailNothing();
        Assert.Equal(Bench.MappingsMax, bench.Vmap.GetStatistics().MappingsMax);
    }

    [LinuxFact]
    public void Mappings_that_could_only_be_hidden_stay_counted()
    {
        using var bench = new Bench();
        nint map = bench.MapOne();
        long inUse = bench.InUse;
        bench.Vmap.Unmap((void*)map);
        bench.Platform.FailCall(1, kind: PlatformCall.Revoke, times: 2);
        bench.Vmap.Purge(pools: true);
        Assert.Equal(1, bench.Vmap.GetStatistics().GuardRevokes);
        Assert.InRange(bench.InUse, inUse - 1, inUse);
        bench.Vmap.Validate();
    }

    [LinuxFact]
    public void A_passing_refusal_passes_in_steady_use_too()
    {
        using var bench = new Bench();
        bench.Platform.MappingsMaxFaked = 65_530;
        bench.Map(40);
        bench.RefuseOneMap();
        bench.Platform.MappingsCountFaked = 65_530 - (2 * MappingReserve.Mappings);
        bench.MapUntilTheSystemIsAsked();
        Assert.Throws<OutOfMemoryException>(() => bench.MapOne());
        Assert.True(bench.Vmap.GetStatistics().MappingsMax < Bench.MappingsMax);

        bench.Platform.MappingsCountFaked--;
        bench.MapUntilTheSystemIsAsked();
        bench.MapOne();
        Assert.Equal(Bench.MappingsMax, bench.Vmap.GetStatistics().MappingsMax);
        bench.Vmap.Validate();
    }

    [LinuxFact]
    public void The_system_is_asked_once_a_second_at_most()
    {
        using var bench = new Bench();
        bench.Map(40);
        bench.RefuseOneMap();
        long start = Environment.TickCount64;
        for (int i = 0; i < 1000; i++)
        {
            Assert.Throws<OutOfMemoryException>(() => bench.MapOne());
        }

        Assert.InRange(bench.Platform.MappingsCounted, 0, (Environment.TickCount64 - start) / 1000 + 1);
    }

    [LinuxFact]
    public void The_system_tells_how_many_mappings_there_are()
    {
        IMemoryPlatform platform = SystemPlatform.Current;
        nuint pageBytes = platform.PageBytes;
        int before = platform.CountMappings();
        Assert.InRange(before, 50, platform.MappingsMax);
        Assert.True(platform.Reserve(8000 * pageBytes, pageBytes, out nuint address).Succeeded);
        for (nuint page = 1; page < 8000; page += 2)
        {
            Assert.True(platform.Protect(address + (page * pageBytes), pageBytes, accessible: false).Succeeded);
        }

        // Other tests map and unmap meanwhile.
        Assert.InRange(platform.CountMappings() - before, 4000, 12_000);
        Assert.True(platform.Release(address, 8000 * pageBytes).Succeeded);
    }

    private sealed class Bench : IDisposable
    {
        public const long MappingsMax = 5000;

        private readonly Pfn[] _frames = new Pfn[2 * PagesOfMap];
        private readonly Pfn[] _scattered;

        public Bench()
        {
            Vmap = new VmapAllocator(new VmapOptions { CapacityBytes = 8 << 20, WindowBytes = 64 << 20, MappingsMax = (int)MappingsMax }, Platform);
            Vmap.AllocateFrames(_frames);
            _scattered = [.. _frames.Where((_, i) => i % 2 == 0)];
        }

        public FaultyPlatform Platform { get; } = new();

        public VmapAllocator Vmap { get; }

        public long InUse => Vmap.GetStatistics().MappingsInUse;

        public int FailuresBefore { get; private set; }

        /// <summary>Tries to map, in vain or not, until the system was asked once more.</summary>
        public void MapUntilTheSystemIsAsked()
        {
            int before = Platform.MappingsCounted;
            Assert.True(SpinWait.SpinUntil(() => TryMapAndUnmap() && Platform.MappingsCounted != before, TimeSpan.FromSeconds(60)));
        }

        public nint MapOne() => (nint)Vmap.Map(_scattered);

        public nint[] Map(int count) => [.. Enumerable.Range(0, count).Select(_ => MapOne())];

        public void Unmap(ReadOnlySpan<nint> maps)
        {
            foreach (nint map in maps)
            {
                Vmap.Unmap((void*)map);
            }

            Vmap.Purge(pools: true);
        }

        public void RefuseOneMap()
        {
            Platform.FailCall(PagesOfMap / 2, kind: PlatformCall.MapFile);
            OutOfMemoryException problem = Assert.Throws<OutOfMemoryException>(() => MapOne());
            Assert.Contains("vm.max_map_count", problem.Message, StringComparison.Ordinal);
            FailuresBefore = Platform.Failures;
        }

        private bool TryMapAndUnmap()
        {
            try
            {
                Vmap.Unmap((void*)MapOne());
            }
            catch (OutOfMemoryException)
            {
                // The limit is still the lowered one.
            }

            return true;
        }

        public void Dispose()
        {
            Vmap.Dispose();
            Platform.AssertNothingLeaked();
        }
    }
}

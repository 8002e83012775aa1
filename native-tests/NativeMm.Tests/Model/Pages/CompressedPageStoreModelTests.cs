using NativeMm.Buffers;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Model.Pages;

/// <summary>The page store equals a dictionary of pages, with and without a limit.</summary>
public sealed class CompressedPageStoreModelTests
{
    public static TheoryData<int, long> Shapes => new()
    {
        { 4096, 0 },
        { 4096, 60 * 4096 },
        { 16384, 0 },
        { 16384, 100 * 4096 },
        { 65536, 300 * 4096 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Any_sequence_of_calls_is_that_of_a_dictionary(int pageBytes, long limit)
    {
        int first = Environment.TickCount & 0xFFFF;
        for (int seed = first; seed < first + 5; seed++)
        {
            Run(pageBytes, limit, seed);
        }
    }

    private static void Run(int pageBytes, long limit, int seed)
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { PageBytes = pageBytes, MemoryLimitBytes = limit });
        CompressedPageStore store = fixture.Store;
        var random = new Random(seed);
        var model = new Dictionary<ulong, byte[]>();
        var history = new List<string>();
        byte[] loaded = new byte[pageBytes];
        int steps = Math.Max(300, 1500 * 4096 / pageBytes);
        for (int step = 0; step < steps; step++)
        {
            ulong key = (ulong)random.Next(120) * 0x100000001;
            int content = random.Next(1000);
            switch (random.Next(100))
            {
                case < 45:
                    byte[] page = SamplePages.Any(pageBytes, content);
                    bool stored = store.TryStore(key, page, out PageRefusal refusal);
                    history.Add($"store {key} content {content}: {refusal}");
                    Require(stored == (refusal == PageRefusal.None) && (stored || limit != 0) && refusal != PageRefusal.OutOfMemory);
                    if (stored)
                    {
                        model[key] = page;
                    }

                    break;
                case < 80:
                    bool there = store.TryLoad(key, loaded);
                    history.Add($"load {key}: {there}");
                    Require(there == model.TryGetValue(key, out byte[]? expected) && (!there || loaded.AsSpan().SequenceEqual(expected)));
                    break;
                case < 97:
                    bool removed = store.Remove(key);
                    history.Add($"remove {key}: {removed}");
                    Require(removed == model.Remove(key));
                    break;
                case < 99:
                    history.Add($"compact: {store.Compact()}");
                    break;
                default:
                    history.Add("clear");
                    store.Clear();
                    model.Clear();
                    break;
            }

            CompressedPageStoreStatistics statistics = store.GetStatistics();
            Require(statistics.Pages == model.Count && statistics.OrigDataBytes == (long)model.Count * pageBytes);
            Require(limit == 0 || statistics.MemUsedTotalBytes <= limit);
            if (step % 100 == 0)
            {
                store.Validate();
            }
        }

        foreach ((ulong key, byte[] page) in model)
        {
            fixture.Holds(key, page);
        }

        void Require(bool condition) =>
            Assert.True(condition, $"seed {seed}, {pageBytes} bytes a page, limit {limit}; the last calls: {string.Join("; ", history.TakeLast(60))}");
    }
}

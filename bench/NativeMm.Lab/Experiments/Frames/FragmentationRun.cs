using NativeMm.Frames;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>
/// How an allocator lets large blocks come back: the zone is filled, a random half of the blocks is put back, then rounds replace a tenth of
/// the rest at random. Blocks of 2 MiB that are free at the end are counted.
/// </summary>
internal sealed class FragmentationRun<TFrames>(FrameWorkload<TFrames> workload, IFrameAllocator allocator, Order order)
    where TFrames : struct, IFramesUnderTest
{
    private const int Rounds = 100;
    private const int ReplacedShare = 10;
    private const int Seed = 0x6672;

    /// <summary>Runs it.</summary>
    public Measurement Measure(ThreadCrew crew)
    {
        Warmup.UntilCompilerIsQuiet(() => crew.Run(workload.WarmUp));
        Pfn[][] held = new Pfn[crew.Size][];
        int all = (int)(allocator.GetStatistics().FreeFrames / order.Frames);
        crew.Run(thread => held[thread] = Fill(thread, all / crew.Size));
        crew.Run(thread => held[thread] = PutHalfBack(held[thread]));
        double time = 0;
        for (int round = 0; round < Rounds; round++)
        {
            int[][] places = [.. held.Select((h, thread) => Places(h.Length, Seed + (round * held.Length) + thread))];
            time += crew.Run(thread => workload.Replace(held[thread], places[thread]));
        }

        allocator.Drain();
        FrameStatistics statistics = allocator.GetStatistics();
        double operations = (double)Rounds * Math.Max(1, held[0].Length / ReplacedShare);
        return new Measurement()
            .Add("ns_per_op", time / operations)
            .Add("ops_per_second", crew.Size * 1e9 * operations / time)
            .Add("free_huge_blocks", HugeBlocks(statistics))
            .Add("free_huge_share", 100.0 * HugeBlocks(statistics) * Order.Huge.Frames / statistics.FreeFrames);
    }

    private static ulong HugeBlocks(FrameStatistics statistics)
    {
        ulong blocks = 0;
        for (int i = Order.Huge.Value; i < statistics.FreeBlocks.Count; i++)
        {
            blocks += statistics.FreeBlocks[i] << (i - Order.Huge.Value);
        }

        return blocks;
    }

    private static int[] Places(int count, int seed)
    {
        var random = new Random(seed);
        var places = new int[Math.Max(1, count / ReplacedShare)];
        for (int i = 0; i < places.Length; i++)
        {
            places[i] = random.Next(count);
        }

        return places;
    }

    private Pfn[] Fill(int thread, int blocks)
    {
        var held = new Pfn[blocks];
        workload.GetMany(held);
        new Random(Seed - thread).Shuffle(held);
        return held;
    }

    private Pfn[] PutHalfBack(Pfn[] held)
    {
        int half = held.Length / 2;
        workload.PutMany(held, [.. Enumerable.Range(half, held.Length - half)]);
        return held[..half];
    }
}

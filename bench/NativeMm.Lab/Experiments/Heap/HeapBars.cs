using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>What the heap experiment must show.</summary>
internal static class HeapBars
{
    private const string Metric = "ns_per_op";

    /// <summary>All rows.</summary>
    public static IReadOnlyList<Bar> All { get; } =
    [
        AtMost(0.25, AllocatorPeers.Glibc, 1, HeapPattern.Batch, "64"),
        .. OneAndTwo(0.4, AllocatorPeers.Glibc, HeapPattern.Random, "64"),
        .. OneSize.SelectMany(row => OneAndTwo(0.6, AllocatorPeers.Mimalloc, row.Pattern, row.Size)),
        AtMost(0.6, AllocatorPeers.Mimalloc, 2, HeapPattern.Remote, "64"),
        AtMost(1.5, AllocatorPeers.ArrayPool, 1, HeapPattern.Pair, "4096"),
        AtMost(1.5, AllocatorPeers.ArrayPool, 1, HeapPattern.Pair, "65536"),
        .. OneAndTwo(0.95, AllocatorPeers.Mimalloc, HeapPattern.Mixed, null),
        .. OneAndTwo(0.4, AllocatorPeers.Glibc, HeapPattern.Mixed, null),
        .. HeapPattern.Programs.SelectMany(Program),
        .. Flat(1),
        .. Flat(2),
    ];

    private static IEnumerable<(string Pattern, string Size)> OneSize =>
    [
        (HeapPattern.Pair, "64"),
        (HeapPattern.Pair, "4096"),
        (HeapPattern.Pair, "65536"),
        (HeapPattern.Batch, "64"),
        (HeapPattern.Fifo, "64"),
        (HeapPattern.Random, "64"),
        (HeapPattern.Random, "4096"),
        (HeapPattern.Random, "65536"),
    ];

    private static IEnumerable<Bar> OneAndTwo(double limit, Variant peer, string pattern, string? size) =>
        [AtMost(limit, peer, 1, pattern, size), AtMost(limit, peer, 2, pattern, size)];

    private static IEnumerable<Bar> Program(string pattern) =>
        from threads in HeapPattern.ThreadsDefault(pattern)
        from peer in (Variant[])[AllocatorPeers.Mimalloc, AllocatorPeers.Glibc]
        select AtMost(1.0, peer, threads, pattern, null);

    // How many classes a program mixes must not matter.
    private static IEnumerable<Bar> Flat(int threads) =>
        from pair in ((string More, string Fewer)[])[("16", "4"), ("64", "4"), ("64", "16")]
        select Bar.AtMostTimes(
            1.15,
            HeapExperiment.MixedCaseOf(AllocatorPeers.NativeMm, threads, pair.More),
            HeapExperiment.MixedCaseOf(AllocatorPeers.NativeMm, threads, pair.Fewer),
            Metric);

    private static Bar AtMost(double limit, Variant peer, int threads, string pattern, string? size) =>
        Bar.AtMostTimes(
            limit,
            HeapExperiment.CaseOf(AllocatorPeers.NativeMm, threads, pattern, size),
            HeapExperiment.CaseOf(peer, threads, pattern, size),
            Metric);
}

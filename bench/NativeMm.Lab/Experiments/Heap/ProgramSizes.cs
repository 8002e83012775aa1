namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Block sizes of the patterns that look like programs: for a thread, as many as a replacement table has.</summary>
internal static class ProgramSizes
{
    private const int Seed = 0x7073;
    private const int LarsonMax = 1000;

    /// <summary>Nodes of trees and what hangs on them: 16 bytes to 1 KiB, half of them below 64.</summary>
    public static int[] Nodes(int thread) => ReplacementTables.LogNormal(ReplacementTables.Length, Seed + thread, 64, 1.0, 16, 1 << 10);

    /// <summary>Small objects and buffers: 16 bytes to 32 KiB, half of them below 128.</summary>
    public static int[] Objects(int thread) => ReplacementTables.LogNormal(ReplacementTables.Length, Seed + thread, 128, 1.5, 16, 32 << 10);

    /// <summary>Messages between threads: 16 bytes to 8 KiB, half of them below 128.</summary>
    public static int[] Messages(int thread) => ReplacementTables.LogNormal(ReplacementTables.Length, Seed + thread, 128, 1.2, 16, 8 << 10);

    /// <summary>Any size from 16 to 1000 bytes, each as often as any other.</summary>
    public static int[] Even(int thread)
    {
        var random = new Random(Seed + thread);
        return [.. Enumerable.Range(0, ReplacementTables.Length).Select(_ => random.Next(16, LarsonMax + 1))];
    }
}

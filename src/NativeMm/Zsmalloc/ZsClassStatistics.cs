using System.Globalization;

namespace NativeMm.Zsmalloc;

/// <summary>One size class of a <see cref="ZsPool"/>: a row of the kernel's <c>classes</c> file.</summary>
public sealed record ZsClassStatistics
{
    /// <summary>Number of the class before merging, 0 to 254; the largest of the classes that were merged into it.</summary>
    public required int Index { get; init; }

    /// <summary>Bytes of a slot, the 8-byte head included; 4096 for the huge class, which has no head.</summary>
    public required int SizeBytes { get; init; }

    /// <summary>Frames of one zspage.</summary>
    public required int FramesPerZspage { get; init; }

    /// <summary>Objects of one zspage.</summary>
    public required int ObjectsPerZspage { get; init; }

    /// <summary>Zspages by fullness: empty, below 10 %, below 20 %, … below 100 %, full. 12 entries.</summary>
    public required IReadOnlyList<int> Groups { get; init; }

    /// <summary>Zspages of the class, those that a compactor holds included.</summary>
    public required int Zspages { get; init; }

    /// <summary>Slots in all zspages.</summary>
    public required long ObjectsAllocated { get; init; }

    /// <summary>Slots in use.</summary>
    public required long ObjectsUsed { get; init; }

    /// <summary>Bytes that were asked for, over the slots in use.</summary>
    public required long UsedBytes { get; init; }

    /// <summary>Frames in all zspages.</summary>
    public long Frames => (long)Zspages * FramesPerZspage;

    /// <summary>The class in a line.</summary>
    /// <returns>One line, without a line break.</returns>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"Class {Index} of {SizeBytes} bytes: {ObjectsUsed:N0} of {ObjectsAllocated:N0} slots in use, with {UsedBytes:N0} bytes; {Zspages:N0} zspages of {FramesPerZspage} frames, by fullness: {string.Join(' ', Groups)}");

    /// <summary>Frames that compaction could free: <c>(allocated − used) / objects a zspage × frames a zspage</c>.</summary>
    public long FreeableFrames => ObjectsUsed >= ObjectsAllocated ? 0 : (ObjectsAllocated - ObjectsUsed) / ObjectsPerZspage * FramesPerZspage;
}

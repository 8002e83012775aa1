using NativeMm.Buffers;
using NativeMm.Frames;
using NativeMm.Lab.Baselines;
using NativeMm.Lab.Experiments.Zsmalloc;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>The density run counts bytes right: a subject without any overhead gets 1 in every stage.</summary>
public sealed class DensityRunTests
{
    private const int Copies = 2;

    private static readonly Lazy<CompressedPages> s_pages = new(() => CompressedPages.Of(PageSet.ReadShipped(), PageCodecs.Brotli));

    [LinuxFact]
    public void A_subject_without_overhead_gets_one_in_every_stage()
    {
        var subject = new CheckingSubject();
        IReadOnlyDictionary<string, double> metrics = new DensityRun(s_pages.Value, Copies).Measure(subject).Metrics;
        Assert.Equal(1, metrics["bytes_per_byte_fresh"], 9);
        Assert.Equal(1, metrics["bytes_per_byte"], 9);
        Assert.Equal(1, metrics["bytes_per_byte_halved"], 9);
        int objects = s_pages.Value.Count * Copies;
        Assert.Equal(objects, subject.Most);
        Assert.Equal([0, objects, objects, objects / 2], subject.Looks.Select(l => l.Count));
        Assert.Equal(0, subject.Count);
    }

    [Fact]
    public void Compressed_pages_restore_to_what_they_were()
    {
        PageSet set = PageSet.ReadShipped();
        int[] kept = [.. Enumerable.Range(0, set.Count).Where(i => !set.IsSameFilled(i))];
        Assert.Equal(kept.Length, s_pages.Value.Count);
        byte[] restored = new byte[PageSet.PageBytes];
        for (int i = 0; i < kept.Length; i++)
        {
            ReadOnlySpan<byte> content = s_pages.Value[i];
            Assert.Equal(s_pages.Value.Sizes[i], content.Length);
            bool whole = content.Length == PageSet.PageBytes;
            Assert.True(whole || (content.Length <= CompressedPages.CompressedMax && PageCodecs.Brotli.TryDecompress(content, restored)));
            Assert.True((whole ? content : restored).SequenceEqual(set[kept[i]]), $"page {kept[i]}");
        }
    }

    [Fact]
    public void What_is_too_large_for_a_shared_page_gets_a_frame_of_its_own()
    {
        Assert.True(FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, 4 << 20, out FrameZone? zone).Succeeded);
        using FrameZone owned = zone!;
        using var frames = new LockFreeFrameAllocator(owned);
        using var subject = new ChunkSubject(frames, ChunkPagePool.Three, 3);
        byte[] large = new byte[PageSet.PageBytes];
        large.AsSpan().Fill(5);
        subject.Put(0, large);
        subject.Put(1, large.AsSpan(0, 100));
        subject.Put(2, large.AsSpan(0, 200));
        Assert.Equal(2 * PageSet.PageBytes, subject.HeldBytes);
        Assert.True(subject.Get(0).SequenceEqual(large));
        Assert.True(subject.Get(2).SequenceEqual(large.AsSpan(0, 200)));
        for (int i = 0; i < 3; i++)
        {
            subject.Remove(i);
        }

        Assert.Equal(0, subject.HeldBytes);
        frames.Drain();
        Assert.Equal(owned.FrameCount, frames.GetStatistics().FreeFrames);
    }
}

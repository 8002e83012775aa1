using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using NativeMm.AddressSpaces;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Concurrency.Teardown;

/// <summary>Runtimes that are given back, at once and in the background.</summary>
public sealed class RuntimeReleaseTests
{
    private const nuint MiB = ReleaseFixture.MiB;

    [LinuxFact]
    public void Pages_of_the_zone_go_in_steps_before_its_addresses()
    {
        var fixture = new ReleaseFixture();
        ReleaseFixture.Fill(fixture.Runtime.Heap);
        nuint zone = fixture.Runtime.Frames.Zone.BaseAddress;
        nuint opened = fixture.Runtime.Frames.Zone.OpenedFrames * 4096;
        int releasesOfZone = -1;
        fixture.Platform.Discarding = () => releasesOfZone = fixture.Platform.Releases.Count(range => range.Address == zone);

        fixture.Runtime.Dispose();

        AddressRange[] inZone = [.. fixture.Platform.Discards.Where(call => call.Address - zone < opened).OrderBy(call => call.Address)];
        Assert.True(inZone.Length > 1);
        Assert.Equal(opened, inZone.Aggregate((nuint)0, (sum, call) => sum + call.Bytes));
        Assert.Equal(0, releasesOfZone);
        Assert.Single(fixture.Platform.Releases, range => range.Address == zone);
        fixture.Ledger.AssertNothingLeaked();
    }

    /// <summary>A few borders are known before the begin; of many, each piece asks for its own.</summary>
    [LinuxTheory]
    [InlineData(3)]
    [InlineData(60)]
    public void No_call_crosses_a_border_of_the_systems_areas(int count)
    {
        var fixture = new ReleaseFixture();
        ReleaseFixture.Fill(fixture.Runtime.Heap);
        nuint zone = fixture.Runtime.Frames.Zone.BaseAddress;
        nuint opened = fixture.Runtime.Frames.Zone.OpenedFrames * 4096;
        nuint[] borders = [.. Enumerable.Range(1, count).Select(i => zone + ((nuint)i * (opened / (nuint)(count + 1)) & ~(nuint)4095))];
        fixture.Platform.Borders = borders;

        fixture.Runtime.Dispose();

        AddressRange[] inZone = [.. fixture.Platform.Discards.Where(call => call.Address - zone < opened)];
        Assert.Equal(opened, inZone.Aggregate((nuint)0, (sum, call) => sum + call.Bytes));
        Assert.All(inZone, call => Assert.DoesNotContain(borders, border => border > call.Address && border < call.Address + call.Bytes));
        Assert.All(borders, border => Assert.Contains(inZone, call => call.Address == border));
        fixture.Ledger.AssertNothingLeaked();
    }

    [LinuxFact]
    public async Task Who_does_not_wait_is_back_before_the_system_is_asked_for_anything()
    {
        var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Filled();
        ReleaseFixture.Fill(fixture.Runtime.Heap);
        var progress = new ProgressList();
        fixture.Platform.Hold();

        Task release = Task.CompletedTask;
        int calls = fixture.CallsHere(() => release = fixture.Runtime.DisposeAsync(progress));

        Assert.False(release.IsCompleted);
        Assert.Equal(0, calls);
        Assert.Throws<ObjectDisposedException>(() => ReleaseFixture.Alloc(heap, 64));
        Assert.Throws<ObjectDisposedException>(() => ReleaseFixture.Alloc(fixture.Runtime.Heap, 64));
        Assert.Throws<ObjectDisposedException>(() => fixture.Runtime.CreateHeap());
        Assert.Throws<ObjectDisposedException>(() => fixture.Runtime.GetStatistics());

        fixture.Platform.LetGo();
        await release.WaitAsync(ReleaseFixture.Timeout);
        fixture.Ledger.AssertNothingLeaked();
        progress.AssertCompleteAndMonotone();
        await fixture.Runtime.DisposeAsync();
        fixture.Runtime.Dispose();
    }

    [LinuxFact]
    public async Task What_a_cancellation_leaves_goes_with_the_next_Dispose()
    {
        var fixture = new ReleaseFixture();
        ReleaseFixture.Fill(fixture.Runtime.Heap);
        using var source = new CancellationTokenSource();
        fixture.Platform.Hold();
        Task release = fixture.Runtime.DisposeAsync(null, source.Token);
        fixture.Platform.Permit(1);
        HeapReleaseTests.Until(() => fixture.Platform.Discards.Length != 0);
        await source.CancelAsync();
        fixture.Platform.LetGo();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => release.WaitAsync(ReleaseFixture.Timeout));

        Assert.Throws<ObjectDisposedException>(() => ReleaseFixture.Alloc(fixture.Runtime.Heap, 64));
        fixture.Runtime.Dispose();
        fixture.Ledger.AssertNothingLeaked();
    }

    /// <summary>The spaces end first: their pages count as progress, and a cancellation there leaves the rest for later.</summary>
    [LinuxTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancellation_takes_effect_while_spaces_end(bool byFinalizer)
    {
        (ReleaseFixture fixture, WeakReference runtime) = await StopAmongSpaces();
        if (byFinalizer)
        {
            fixture.Forget();
            HeapReleaseTests.Until(() =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return !runtime.IsAlive;
            });
        }
        else
        {
            var progress = new ProgressList();
            await fixture.Runtime.DisposeAsync(progress).WaitAsync(ReleaseFixture.Timeout);
            progress.AssertCompleteAndMonotone();
        }

        fixture.Ledger.AssertNothingLeaked();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<(ReleaseFixture Fixture, WeakReference Runtime)> StopAmongSpaces()
    {
        const long Base = 1L << 40;
        var fixture = new ReleaseFixture(maxActive: 1);
        _ = ReleaseFixture.Alloc(fixture.Runtime.Heap, 100);
        SpaceReleaseFixture.Populate(fixture.Runtime.CreateAddressSpace(), Base, 24 << 20);
        SpaceReleaseFixture.Populate(fixture.Runtime.CreateAddressSpace(), Base, 24 << 20);
        using var source = new CancellationTokenSource();
        var progress = new ProgressList { Told = _ => source.Cancel() };
        int calls = fixture.Platform.Discards.Length;

        Task release = fixture.Runtime.DisposeAsync(progress, source.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => release.WaitAsync(ReleaseFixture.Timeout));

        // Nothing went back to the system, and part of what there is was let go of.
        Assert.Equal(calls, fixture.Platform.Discards.Length);
        Assert.InRange(progress.All[^1].BytesDone, 1, 47 << 20);
        Assert.InRange(progress.All[^1].BytesTotal, 96 << 20, 192 << 20);
        return (fixture, new WeakReference(fixture.Runtime, trackResurrection: true));
    }

    [LinuxFact]
    public async Task Who_disposes_while_it_goes_on_in_the_background_waits_for_it()
    {
        var fixture = new ReleaseFixture();
        ReleaseFixture.Fill(fixture.Runtime.Heap);
        fixture.Platform.Hold();
        Task release = fixture.Runtime.DisposeAsync(null);
        Task end = Task.Run(() =>
        {
            fixture.Runtime.Dispose();
            fixture.Ledger.AssertNothingLeaked();
        });

        fixture.Platform.LetGo();

        await Task.WhenAll(release, end).WaitAsync(ReleaseFixture.Timeout);
    }

    [LinuxFact]
    public async Task States_add_up_while_sparse_ranges_are_taken_for_full()
    {
        using var fixture = new ReleaseFixture();
        using AddressSpace space = fixture.Runtime.CreateAddressSpace();
        const long Leaf = 512 * AddressSpace.PageBytes;
        const long Bytes = 50 * Leaf;
        long address = space.Map(Bytes, Protection.ReadWrite);
        for (long at = address; at < address + Bytes; at += Leaf)
        {
            space.Write(at, at);
        }

        // All that is free is the system's, so that nothing makes up for what is counted twice.
        fixture.Runtime.Trim();
        List<ulong> releasing = [];
        var progress = new ProgressList { Told = _ => releasing.Add(fixture.AssertAddsUp().ReleasingBytes) };

        await space.UnmapAsync(address, Bytes, progress).WaitAsync(ReleaseFixture.Timeout);

        progress.AssertComplete();
        Assert.Equal(0UL, fixture.AssertAddsUp().ReleasingBytes);
        Assert.All(releasing, bytes => Assert.InRange(bytes, 0UL, (ulong)(120 * AddressSpace.PageBytes)));
    }

    [LinuxFact]
    public async Task The_meter_shows_what_is_left_until_the_end()
    {
        var fixture = new ReleaseFixture();
        ReleaseFixture.Fill(fixture.Runtime.Heap);
        var states = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "nativemm.memory.used" && instrument.Meter.Tags!.Any(tag => ReferenceEquals(tag.Value, fixture.Runtime.Options.Name)))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => states[(string)tags[^1].Value!] = states.GetValueOrDefault((string)tags[^1].Value!) + value);
        listener.Start();
        fixture.Platform.Hold();
        Task release = fixture.Runtime.DisposeAsync(null);

        listener.RecordObservableInstruments();
        long during = states.GetValueOrDefault("releasing");
        fixture.Platform.LetGo();
        await release.WaitAsync(ReleaseFixture.Timeout);
        states.Clear();
        listener.RecordObservableInstruments();

        Assert.True(during >= (long)(44 * MiB), $"{during} bytes");
        Assert.Equal(0, states.GetValueOrDefault("releasing"));
    }

    [LinuxFact]
    public void A_memory_file_is_emptied_before_it_is_closed()
    {
        var fixture = new ReleaseFixture();
        fixture.FillVmap(12 * MiB);
        ulong opened = fixture.Runtime.Vmap.Zone.OpenedFrames * 4096UL;

        fixture.Runtime.Dispose();

        Assert.Equal(opened, fixture.Platform.Punches.Aggregate(0UL, (sum, hole) => sum + hole.Bytes));
        Assert.True(fixture.Platform.Punches.Length > 1);
        fixture.Ledger.AssertNothingLeaked();
    }
}

using NativeMm.AddressSpaces;
using NativeMm.Heap.Checked;
using NativeMm.Platform;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

/// <summary>Address spaces of a runtime: counted, checked, and gone with it.</summary>
public sealed class RuntimeSpacesTests
{
    private const long Page = AddressSpace.PageBytes;

    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(4);

    [Fact]
    public void Spaces_are_counted_and_checked_while_they_live()
    {
        using var runtime = new MemoryRuntime(Options());
        AddressSpace space = runtime.CreateAddressSpace(new AddressSpaceOptions { Name = "counted" });
        long address = space.Map(16 * Page, Protection.ReadWrite);
        space.Write(address + 5, [1, 2, 3]);
        AddressSpaceStatistics row = Assert.Single(runtime.GetStatistics().Spaces);
        Assert.Equal(("counted", 1, 16, 1), (row.Name, row.Areas, row.MappedPages, row.ResidentPages));
        Assert.True(runtime.GetStatistics().InUseBytes >= (ulong)row.FrameBytes && row.FrameBytes > Page);
        runtime.Validate();
        space.Dispose();
        Assert.Empty(runtime.GetStatistics().Spaces);
        Assert.Equal(0UL, runtime.GetStatistics().InUseBytes);
        runtime.Validate();
    }

    [Fact]
    public void The_runtime_ends_its_spaces_and_their_forks()
    {
        var platform = new FaultyPlatform();
        AddressSpace space;
        AddressSpace fork;
        using (var runtime = new MemoryRuntime(Options(), platform, isShared: false))
        {
            space = runtime.CreateAddressSpace();
            long address = space.Map(Page, Protection.ReadWrite);
            space.Write(address, [7]);
            fork = space.Fork().Fork();
            Assert.Equal(3, runtime.GetStatistics().Spaces.Count);
            var read = new byte[1];
            fork.Read(address, read);
            Assert.Equal(7, read[0]);
        }

        Assert.True(space.IsDisposed && fork.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => space.Map(1, Protection.Read));
        Assert.Throws<ObjectDisposedException>(fork.Fork);
        platform.AssertNothingLeaked();
    }

    [Fact]
    public void In_checked_mode_the_pins_that_hold_a_runtime_are_named()
    {
        using var runtime = new MemoryRuntime(Options() with { Checked = new CheckedOptions { Enabled = true, StackSampleInterval = 1 } });
        AddressSpace parent = runtime.CreateAddressSpace(new AddressSpaceOptions { Name = "pinned" });
        long address = parent.Map(2 * Page, Protection.ReadWrite);
        using AddressSpace space = parent.Fork();
        space.Pin(address, Page).Dispose();
        PagePin pin = space.Pin(address + 5, 7, PageAccess.Write);
        string message = Assert.Throws<InvalidOperationException>(runtime.Dispose).Message;
        Assert.Contains($"  7 bytes at 0x{address + 5:x} for Write, pinned", message, StringComparison.Ordinal);
        Assert.Contains(nameof(In_checked_mode_the_pins_that_hold_a_runtime_are_named), message, StringComparison.Ordinal);
        Assert.DoesNotContain("4096 bytes", message, StringComparison.Ordinal);
        Assert.DoesNotContain("at NativeMm.AddressSpaces", message, StringComparison.Ordinal);
        pin.Dispose();
        pin.Dispose();
    }

    [Fact]
    public void A_pin_holds_the_runtime_until_it_is_let_go()
    {
        using var runtime = new MemoryRuntime(Options());
        AddressSpace space = runtime.CreateAddressSpace(new AddressSpaceOptions { Name = "pinned" });
        long address = space.Map(Page, Protection.ReadWrite);
        PagePin pin = space.Pin(address, 1, PageAccess.Write);
        Assert.Contains("'pinned'", Assert.Throws<InvalidOperationException>(runtime.Dispose).Message, StringComparison.Ordinal);
        Assert.False(space.IsDisposed);
        pin.Dispose();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task What_is_held_since_the_runtime_began_to_end_keeps_its_frames(bool isLease, bool inBackground)
    {
        using var runtime = new MemoryRuntime(Options());
        AddressSpace space = runtime.CreateAddressSpace(new AddressSpaceOptions { Name = "held late" });
        long address = space.Map(Page, Protection.ReadWrite);
        space.Write(address, 7L);
        using var taken = new ManualResetEventSlim();
        using var letGo = new ManualResetEventSlim();
        Task<long>? holder = null;
        runtime.Enter(new EndingTenant(() =>
        {
            // Nothing was held when the end looked.
            holder ??= Task.Factory.StartNew(() => Hold(space, address, isLease, taken, letGo), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            Assert.True(taken.Wait(s_timeout));
        }));
        Assert.Contains("'held late'", (await Assert.ThrowsAsync<InvalidOperationException>(End)).Message, StringComparison.Ordinal);
        Assert.Throws<ObjectDisposedException>(() => space.Read<long>(address));
        Assert.Throws<ObjectDisposedException>(() => space.Pin(address, 8));
        await Assert.ThrowsAsync<InvalidOperationException>(End);
        letGo.Set();
        Assert.Equal(7, await holder!.WaitAsync(s_timeout));
        await End();
        Assert.Equal(0, space.PinnedPages);

        async Task End()
        {
            if (inBackground)
            {
                await runtime.DisposeAsync();
            }
            else
            {
                runtime.Dispose();
            }
        }
    }

    [Fact]
    public void A_reader_does_not_hold_the_runtime_and_a_lease_does()
    {
        using var runtime = new MemoryRuntime(Options());
        AddressSpace space = runtime.CreateAddressSpace();
        long address = space.Map(Page, Protection.ReadWrite);
        space.Write(address, 1L);
        Assert.False(space.IsHeld);
        using (space.LeaseRead(address, 8))
        {
            Assert.True(space.IsHeld);
            Assert.Throws<InvalidOperationException>(runtime.Dispose);
        }

        Assert.False(space.IsHeld);
        Assert.Equal(1, space.Read<long>(address));
    }

    [Fact]
    public void A_trim_frees_what_a_lease_kept_of_a_space_that_ended()
    {
        using var runtime = new MemoryRuntime(Options());
        AddressSpace space = runtime.CreateAddressSpace();
        long address = space.Map(Page, Protection.ReadWrite);
        space.Write(address, 1L);
        using (ReadLease lease = space.LeaseRead(address, 8))
        {
            space.Dispose();
            runtime.Trim();
            Assert.Equal(1, BitConverter.ToInt64(lease.Span));
            Assert.NotEqual(0ul, runtime.Frames.GetStatistics().AllocatedFrames);
        }

        runtime.Trim();
        Assert.Equal(0ul, runtime.Frames.GetStatistics().AllocatedFrames);
    }

    private static long Hold(AddressSpace space, long address, bool isLease, ManualResetEventSlim taken, ManualResetEventSlim letGo)
    {
        if (isLease)
        {
            using ReadLease lease = space.LeaseRead(address, 8);
            taken.Set();
            letGo.Wait(s_timeout);
            return BitConverter.ToInt64(lease.Span);
        }

        using PagePin pin = space.Pin(address, 8);
        taken.Set();
        letGo.Wait(s_timeout);
        return BitConverter.ToInt64(pin.GetReadOnlySpan(0));
    }

    private static MemoryRuntimeOptions Options() => new() { CapacityBytes = 64 << 20, BackgroundTrim = false };

    /// <summary>Does something when the runtime ends, before the spaces do.</summary>
    private sealed class EndingTenant(Action ending) : IRuntimeTenant
    {
        public ulong FrameBytes => 0;

        public void TrimIdle()
        {
        }

        public void Trim()
        {
        }

        public void ThrowIfHeld()
        {
        }

        public void End() => ending();

        public void Validate()
        {
        }
    }
}

using System.Buffers;
using System.Runtime.CompilerServices;
using NativeMm.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

/// <summary>What a pool says of a rent that is disposed once too often: something that the reader did not do already.</summary>
public sealed class PooledFaultTests
{
    [Fact]
    public void In_checked_mode_the_message_says_twice_and_where()
    {
        string message = MessageOf(new CheckedOptions { Enabled = true, StackSampleInterval = 1 });
        Assert.Contains("The rented buffer of 100 bytes at 0x", message, StringComparison.Ordinal);
        Assert.Contains("was disposed twice", message, StringComparison.Ordinal);
        Assert.DoesNotContain("NATIVEMM_CHECKED", message, StringComparison.Ordinal);
        int rented = message.IndexOf($"Rented at:{Environment.NewLine}      at {GetType().FullName}.{nameof(RentHere)}", StringComparison.Ordinal);
        int disposed = message.IndexOf($"Disposed at:{Environment.NewLine}      at {GetType().FullName}.{nameof(DisposeHere)}", StringComparison.Ordinal);
        Assert.True(rented > 0 && disposed > rented, message);
    }

    [Fact]
    public void In_checked_mode_without_stacks_the_message_says_how_to_have_them()
    {
        string message = MessageOf(new CheckedOptions { Enabled = true, StackSampleInterval = 0 });
        Assert.EndsWith("NATIVEMM_CHECKED_STACKS=1 tells where it was rented and disposed first.", message, StringComparison.Ordinal);
        Assert.DoesNotContain("NATIVEMM_CHECKED=1", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_pool_that_uses_owners_again_says_what_would_tell_which(bool isChecked)
    {
        // The checked mode does not change what such a pool was told to do, so it is no advice.
        string message = MessageOf(new CheckedOptions { Enabled = isChecked }, recycleOwners: true);
        Assert.EndsWith("A pool with recycleOwners: false tells which.", message, StringComparison.Ordinal);
        Assert.DoesNotContain("NATIVEMM", message, StringComparison.Ordinal);
    }

    private static string MessageOf(CheckedOptions options, bool? recycleOwners = null)
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false, Checked = options });
        using NativeMemoryPool pool = recycleOwners is { } recycle ? new(runtime.Heap, recycle) : new(runtime.Heap);
        IMemoryOwner<byte> owner = RentHere(pool);
        DisposeHere(owner);
        return Assert.Throws<MemoryFaultException>(owner.Dispose).Message;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static IMemoryOwner<byte> RentHere(NativeMemoryPool pool) => pool.Rent(100);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DisposeHere(IMemoryOwner<byte> owner)
    {
        owner.Dispose();
        GC.KeepAlive(owner);
    }
}

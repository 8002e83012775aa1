using NativeMm.Heap;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Heap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Heap;

/// <summary>No thread uses the heap, but a trim pass is under way and has blocks in its hands.</summary>
public sealed unsafe class HeapAtRestTests
{
    [Fact]
    public void Validation_and_ownership_are_right_while_a_pass_gives_pages_back()
    {
        using var fixture = new HeapFixture();
        NativeHeap heap = fixture.Heap;
        nint[] blocks = new nint[16];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)heap.Alloc(4096);
            *(byte*)blocks[i] = 1;
        }

        for (int i = 0; i < blocks.Length; i += 2)
        {
            heap.Free((void*)blocks[i]);
        }

        Exception? thrown = null;
        bool ownsFree = true;
        bool ownsLive = false;
        var observer = new Thread(() =>
        {
            thrown = Record.Exception(heap.Validate);
            ownsFree = heap.Owns((void*)blocks[0]);
            ownsLive = heap.Owns((void*)blocks[1]);
        });
        int discards = 0;
        fixture.Platform.Entering = call =>
        {
            if (call == PlatformCall.Discard && discards++ == 0)
            {
                // It either waits for this pass, or has seen what it should not.
                observer.Start();
                observer.Join(TimeSpan.FromMilliseconds(200));
            }
        };
        heap.Trim();
        fixture.Platform.Entering = null;
        Assert.True(discards > 0, "The pass had nothing to give back: the test shows nothing.");
        Assert.True(observer.Join(StartGate.DefaultTimeout));
        Assert.Null(thrown);
        Assert.False(ownsFree);
        Assert.True(ownsLive);
        for (int i = 1; i < blocks.Length; i += 2)
        {
            heap.Free((void*)blocks[i]);
        }
    }

    [Fact]
    public void Short_threads_beside_many_that_live_use_the_same_few_caches()
    {
        const int Living = 40;
        const int Short = 60;
        using var fixture = new HeapFixture();
        NativeHeap heap = fixture.Heap;
        using var over = new ManualResetEventSlim();
        using var attached = new CountdownEvent(Living);
        Thread[] living = [.. Enumerable.Range(0, Living).Select(_ => new Thread(
            () =>
            {
                heap.Free(heap.Alloc(64));
                attached.Signal();
                over.Wait(StartGate.DefaultTimeout);
            },
            256 << 10))];
        Array.ForEach(living, thread => thread.Start());
        Assert.True(attached.Wait(StartGate.DefaultTimeout));
        for (int i = 0; i < Short; i++)
        {
            var thread = new Thread(() => heap.Free(heap.Alloc(64)), 256 << 10);
            thread.Start();
            Assert.True(thread.Join(StartGate.DefaultTimeout));
        }

        long caches = heap.GetStatistics().ThreadCaches;
        over.Set();
        Array.ForEach(living, thread => Assert.True(thread.Join(StartGate.DefaultTimeout)));
        Assert.InRange(caches, Living, Living + 2);
    }
}

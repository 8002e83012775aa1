using System.Diagnostics;
using NativeMm.Heap.Checked;
using Xunit;

namespace NativeMm.Tests.Unit.Checked;

/// <summary>How a recorded stack is put into words.</summary>
public sealed class AllocationStackTests
{
    [Fact]
    public async Task Of_asynchronous_code_only_the_methods_of_the_program_are_named()
    {
        // The end of one method goes on with the other one, on a thread of the pool: both are on one stack, with what leads from one to the other.
        var ended = new TaskCompletionSource();
        Task<StackTrace> recording = RecordAsync(ended.Task);
        await Task.Run(() => EndAsync(ended));
        StackTrace stack = await recording;
        Assert.Contains("ExecutionContext", stack.ToString(), StringComparison.Ordinal);

        string text = AllocationStack.Text(stack);

        Assert.Contains(nameof(RecordAsync), text, StringComparison.Ordinal);
        Assert.Contains(nameof(EndAsync), text, StringComparison.Ordinal);
        Assert.DoesNotContain("ExecutionContext", text, StringComparison.Ordinal);
        Assert.DoesNotContain("System.Threading.Tasks.", text, StringComparison.Ordinal);
        Assert.DoesNotContain("ThreadPool", text, StringComparison.Ordinal);
    }

    private static async Task<StackTrace> RecordAsync(Task before)
    {
        await before.ConfigureAwait(false);
        return AllocationStack.Capture();
    }

    private static async Task EndAsync(TaskCompletionSource next)
    {
        await Task.Yield();
        next.SetResult();
    }
}

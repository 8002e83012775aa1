using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Pools;

/// <summary>A server and its clients in one process, over the loopback address.</summary>
internal static class ServerMeasurement
{
    private const int Clients = 8;

    /// <summary>Loads the server and takes the time; then loads it with many requests at once and looks at what it keeps of their memory.</summary>
    public static async Task<Measurement> MeasureAsync(MeasurementRequest request, string work, int size)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        if (request.Case.Variant == "nativemm")
        {
            builder.Services.AddNativeMm().AddKestrelPool();
        }

        byte[] answer = new byte[size];
        await using WebApplication app = builder.Build();
        app.MapPost("/echo", context => context.Request.Body.CopyToAsync(context.Response.Body));
        app.MapGet("/json", context => AnswerAsync(context, answer, Task.CompletedTask));
        var held = new HeldRequests();
        app.MapPost("/held/echo", async context =>
        {
            // All of it is in the server's buffers before anything goes on.
            context.Response.ContentLength = size;
            ReadResult body = await context.Request.BodyReader.ReadAtLeastAsync(size);
            await held.WaitAsync();
            foreach (ReadOnlyMemory<byte> piece in body.Buffer)
            {
                await context.Response.BodyWriter.WriteAsync(piece);
            }

            context.Request.BodyReader.AdvanceTo(body.Buffer.End);
        });
        app.MapGet("/small", context => AnswerAsync(context, new byte[1], Task.CompletedTask));
        app.MapGet("/held/json", context => AnswerAsync(context, answer, held.WaitAsync()));
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        Func<Task> ask = work == PoolsExperiment.Echo ? () => EchoAsync(client, answer) : () => ReadAsync(client, size);
        for (int i = 0; i < 200; i++)
        {
            await ask();
        }

        int collections = GC.CollectionCount(2);
        long allocated = GC.GetTotalAllocatedBytes();
        long requests = 0;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            while (clock.Elapsed.TotalSeconds < request.Seconds)
            {
                await ask();
                Interlocked.Increment(ref requests);
            }
        }));
        double time = clock.Elapsed.TotalNanoseconds / requests;
        Measurement result = new Measurement()
            .Add("ns_per_op", time)
            .Add("allocated_per_op", (double)(GC.GetTotalAllocatedBytes() - allocated) / requests)
            .Add("gen2", GC.CollectionCount(2) - collections);
        if (!request.Quick && ResidentMemory.IsKnown)
        {
            byte[] body = work == PoolsExperiment.Echo ? answer : [];
            result.Add("kept", await held.MeasureKeptAsync(client.BaseAddress, "/small", $"/held/{work}", body, size));
        }

        await app.StopAsync();
        return result;
    }

    /// <summary>All of it in one span, as a serializer does.</summary>
    private static async Task AnswerAsync(HttpContext context, byte[] answer, Task until)
    {
        context.Response.ContentLength = answer.Length;
        answer.CopyTo(context.Response.BodyWriter.GetSpan(answer.Length));
        await until;
        context.Response.BodyWriter.Advance(answer.Length);
        await context.Response.BodyWriter.FlushAsync();
    }

    private static async Task EchoAsync(HttpClient client, byte[] body)
    {
        using HttpResponseMessage response = await client.PostAsync("/echo", new ByteArrayContent(body));
        await CountAsync(response, body.Length);
    }

    private static async Task ReadAsync(HttpClient client, int size)
    {
        using HttpResponseMessage response = await client.GetAsync("/json", HttpCompletionOption.ResponseHeadersRead);
        await CountAsync(response, size);
    }

    private static async Task CountAsync(HttpResponseMessage response, int size)
    {
        using var counted = new CountingStream();
        await response.Content.CopyToAsync(counted);
        if (counted.Count != size)
        {
            throw new InvalidDataException($"{counted.Count} bytes came of {size}.");
        }
    }

    /// <summary>Counts what is written and keeps nothing.</summary>
    private sealed class CountingStream : Stream
    {
        public long Count { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => Count;

        public override long Position { get => Count; set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Count += count;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Count += buffer.Length;
            return ValueTask.CompletedTask;
        }
    }
}

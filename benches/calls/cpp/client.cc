// `cpp-client PORT WORKLOAD`, by the synchronous API: once SIZE, unary CALLERS SIZE SECONDS, stream COUNT SIZE or
// bidi SIZE SECONDS.

#include <grpcpp/grpcpp.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "bench.grpc.pb.h"

namespace {

using Clock = std::chrono::steady_clock;
using Latencies = std::vector<double>;
// Makes one call; whether its reply was right.
using Call = std::function<bool()>;

constexpr int kLimit = 64 << 20;
constexpr double kWarmUp = 0.25;

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

double Cpu() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

void Expect(bool right) {
  if (right) return;
  fprintf(stderr, "a call has failed\n");
  exit(1);
}

Latencies Repeat(double seconds, const Call& call) {
  Latencies latencies;
  auto begun = Clock::now();
  const auto started = begun;
  while (Seconds(begun - started) < seconds) {
    Expect(call());
    const auto now = Clock::now();
    latencies.push_back(Seconds(now - begun));
    begun = now;
  }
  return latencies;
}

Latencies Phase(int callers, double seconds, const std::function<Call()>& caller) {
  if (callers == 1) return Repeat(seconds, caller());
  std::vector<std::thread> threads;
  std::vector<Latencies> each(callers);
  for (auto& latencies : each) {
    threads.emplace_back([&] { latencies = Repeat(seconds, caller()); });
  }
  Latencies all;
  for (int index = 0; index < callers; ++index) {
    threads[index].join();
    all.insert(all.end(), each[index].begin(), each[index].end());
  }
  return all;
}

void Report(size_t count, size_t warm_up, double size, double elapsed, double cpu, Latencies latencies) {
  printf("{\"n\":%zu,\"n_warm_up\":%zu,\"secs\":%.6f,\"rate\":%.1f,", count, warm_up, elapsed, count / elapsed);
  if (!latencies.empty()) {
    std::sort(latencies.begin(), latencies.end());
    const auto quantile = [&](double part) { return latencies[std::min(size_t(count * part), count - 1)] * 1e6; };
    printf("\"p50_us\":%.3f,\"p99_us\":%.3f,", quantile(0.5), quantile(0.99));
  }
  printf("\"client_cpu_s\":%.6f,\"MBps\":%.2f}\n", cpu, count * size / elapsed / 1e6);
}

void Timed(int callers, size_t size, double seconds, const std::function<Call()>& caller) {
  const size_t warm_up = Phase(callers, seconds * kWarmUp, caller).size();
  const double cpu = Cpu();
  const auto started = Clock::now();
  const Latencies latencies = Phase(callers, seconds, caller);
  Report(latencies.size(), warm_up, size, Seconds(Clock::now() - started), Cpu() - cpu, latencies);
}

perf::Req Request(size_t size) {
  perf::Req request;
  request.set_payload(std::string(size, 'x'));
  return request;
}

bool Unary(perf::Bench::Stub* stub, const perf::Req& request) {
  grpc::ClientContext context;
  perf::Resp reply;
  return stub->Unary(&context, request, &reply).ok() && reply.payload().size() == request.payload().size();
}

void Stream(perf::Bench::Stub* stub, uint32_t count, uint32_t size) {
  const double cpu = Cpu();
  const auto started = Clock::now();
  perf::StreamReq request;
  request.set_count(count);
  request.set_size(size);
  grpc::ClientContext context;
  perf::Resp reply;
  const auto replies = stub->ServerStream(&context, request);
  uint32_t received = 0;
  while (replies->Read(&reply)) {
    Expect(reply.payload().size() == size);
    ++received;
  }
  Expect(replies->Finish().ok() && received == count);
  Report(count, 0, size, Seconds(Clock::now() - started), Cpu() - cpu, {});
}

void Bidi(perf::Bench::Stub* stub, size_t size, double seconds) {
  grpc::ClientContext context;
  const auto stream = stub->Bidi(&context);
  const perf::Req request = Request(size);
  perf::Resp reply;
  Timed(1, size, seconds, [&] {
    return Call([&] { return stream->Write(request) && stream->Read(&reply) && reply.payload().size() == size; });
  });
  stream->WritesDone();
  Expect(stream->Finish().ok());
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) return 2;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kLimit);
  arguments.SetMaxSendMessageSize(kLimit);
  const std::string target = std::string("127.0.0.1:") + words[1];
  const auto stub = perf::Bench::NewStub(
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  const std::string workload = words[2];
  if (workload == "once") {
    Expect(Unary(stub.get(), Request(atol(words[3]))));
  } else if (workload == "unary" && count == 6) {
    const perf::Req request = Request(atol(words[4]));
    const auto caller = [&] { return Call([&] { return Unary(stub.get(), request); }); };
    Timed(atoi(words[3]), atol(words[4]), atof(words[5]), caller);
  } else if (workload == "stream" && count == 5) {
    Stream(stub.get(), atol(words[3]), atol(words[4]));
  } else if (workload == "bidi" && count == 5) {
    Bidi(stub.get(), atol(words[3]), atof(words[4]));
  } else {
    return 2;
  }
}
